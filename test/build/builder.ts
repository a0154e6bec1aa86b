import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { createPipeline, type BuildResult, type PipelineDeps } from '../../src/build/pipeline.ts'
import { createBuildOutput } from '../../src/build/output.ts'
import { createStack } from '../../src/build/stack/debian.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import type { Config } from '../../src/model/release.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import type { TestRepository } from '../helpers/repository.ts'

type Options = { config?: Config; noCache?: boolean; signal?: AbortSignal }

/** The pipeline with a real engine and stack, and sources straight from developers' repositories. */
export class Builder implements AsyncDisposable {
  readonly engine: Engine
  readonly #serverId = randomBytes(6).toString('hex')
  readonly #deps: Omit<PipelineDeps, 'repositories'>

  constructor(limits: Partial<PipelineDeps['limits'] & PipelineDeps['build']> = {}) {
    const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
    this.engine = connectDocker({ ...config, serverId: this.#serverId, log: createLog('test', 'warn') })
    const stack = createStack({ engine: this.engine, config })
    this.#deps = {
      engine: this.engine,
      stack,
      toolbox: createToolbox({ engine: this.engine, stack }),
      build: { ...config.build, ...limits },
      limits: { ...config.limits, ...limits },
    }
  }

  app(repository: TestRepository): AppBuilder {
    return new AppBuilder(this.#deps, repository)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeFromEngine(this.#serverId)
  }
}

/** One app: its builds share a cache. */
export class AppBuilder {
  readonly id = newId<AppId>()
  readonly repository: TestRepository
  /** What the last build showed. */
  output = ''
  readonly #deps: Omit<PipelineDeps, 'repositories'>

  constructor(deps: Omit<PipelineDeps, 'repositories'>, repository: TestRepository) {
    this.#deps = deps
    this.repository = repository
  }

  /** Builds the repository's last commit. */
  async build({ config = {}, noCache = false, signal }: Options = {}): Promise<BuildResult> {
    this.output = ''
    const output = createBuildOutput({ write: (text) => (this.output += text), config })
    const commit = await this.repository.head()
    const repositories = {
      archive: async () => spawn('git', ['archive', commit], { cwd: this.repository.path }).stdout,
    }
    const run = createPipeline({ ...this.#deps, repositories })
    const request = { buildId: newId<BuildId>(), appId: this.id, app: 'an-app', commit, config, noCache }
    try {
      return await run(request, output, signal ?? new AbortController().signal)
    } finally {
      output.end()
    }
  }
}
