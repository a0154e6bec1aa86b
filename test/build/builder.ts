import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { PassThrough, type Readable } from 'node:stream'
import { createNarrator } from '../../src/output/narrate.ts'
import type { PackName } from '../../src/build/packs.ts'
import { createPackPolicy } from '../../src/build/pack-url.ts'
import { BuildSandboxes, type SandboxesDeps } from '../../src/build/sandboxes.ts'
import { createTreeMaker } from '../../src/build/make-tree.ts'
import { createPipeline, type PipelineDeps } from '../../src/build/pipeline.ts'
import type { BuildRequest, BuildResult, RunPipeline } from '../../src/model/build-request.ts'
import type { BuildReport } from '../../src/model/build-report.ts'
import { PhaseClock } from '../../src/model/phase-clock.ts'
import type { Stack } from '../../src/build/stack/stack.ts'
import { createStack } from '../../src/build/stack/debian.ts'
import { createToolbox, type Toolbox } from '../../src/build/toolbox.ts'
import { AppTrees } from '../../src/build/trees.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import type { Dyno, Engine } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId, type BuildId } from '../../src/model/ids.ts'
import type { ConfigVars } from '../../src/model/release.ts'
import { until } from '../helpers/app.ts'
import { removeFromEngine } from '../helpers/engine.ts'
import { request, type Answer } from '../helpers/http.ts'
import { run, TestRepository, type Outcome } from '../helpers/repository.ts'

type Limits = PipelineDeps['limits'] & PipelineDeps['build']
type Deps = Omit<PipelineDeps & SandboxesDeps, 'makeTree' | 'repositories' | 'sandboxes' | 'trees'> & {
  engine: Engine
  stack: Stack
  toolbox: Toolbox
}
type BuildOptions = {
  config?: ConfigVars
  buildpacks?: string[]
  noCache?: boolean
  signal?: AbortSignal
  limits?: Partial<Limits>
  findEarlier?: BuildRequest['findEarlier']
}

/** The pipeline with a real engine and stack, and sources straight from developers' repositories. */
export class Builder implements AsyncDisposable {
  readonly engine: Engine
  readonly #serverId = randomBytes(6).toString('hex')
  readonly #deps: Deps
  readonly #directories: string[] = []

  /** @param settings beyond the defaults, as the environment has them */
  constructor(settings: Record<string, string> = {}) {
    const log = createLog('test', 'warn')
    const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'], ...settings })
    this.engine = connectDocker({ ...config, dataDirectory: tmpdir(), serverId: this.#serverId, log })
    const stack = createStack({ engine: this.engine, config })
    const toolbox = createToolbox({ engine: this.engine, stack })
    const packPolicy = createPackPolicy(config)
    const { build, limits, registries } = config
    const toolboxes = () => toolbox
    this.#deps = { engine: this.engine, stack, toolbox, toolboxes, build, limits, registries, packPolicy, log }
  }

  /** An app whose first commit is a copy of the fixture of that name, or has these files. */
  async app(source: string | Record<string, string>): Promise<AppBuilder> {
    if (typeof source === 'string') return new AppBuilder(this.#deps, await TestRepository.fromFixture(source))
    const app = new AppBuilder(this.#deps, await TestRepository.empty())
    await app.commit(source)
    return app
  }

  /** The image that apps run on, by a name that a Dockerfile can use. */
  async runImage(): Promise<string> {
    const { references } = await this.#deps.stack.runImage([], () => undefined)
    return references[0] ?? ''
  }

  /** The image that apps are built on, with the toolchains of these packs. */
  async buildImage(toolchains: PackName[] = []): Promise<string> {
    return (await this.#deps.toolbox.buildImage(toolchains)).digest
  }

  /**
   * What a developer's machine with these Debian packages makes of a script, in a directory of its own.
   * @returns path of a copy, which lasts as long as the builder
   */
  async generate(packages: string[], script: string): Promise<string> {
    const image = await this.#deps.stack.buildImage([packages], () => undefined)
    const container = `paas-generator-${randomBytes(6).toString('hex')}`
    const argv = ['run', '--name', container, '--network=none', '--user=root', '--workdir=/srv/app', image.digest]
    try {
      const { code, output } = await docker(...argv, 'bash', '-ec', script)
      if (code !== 0) throw new Error(`the script exited with ${code}:\n${output}`)
      const directory = await mkdtemp(join(tmpdir(), 'paas-generated-'))
      this.#directories.push(directory)
      await docker('cp', `${container}:/srv/app/.`, directory)
      return directory
    } finally {
      await docker('rm', '--force', container)
    }
  }

  /** The image that Dockerfiles are built in. */
  async builderImage(): Promise<string> {
    return (await this.#deps.toolbox.builderImage()).digest
  }

  /** Ids of what still exists of the app's containers. */
  async containersOf({ id }: AppBuilder): Promise<string[]> {
    const { output } = await docker('ps', '--all', '--quiet', '--filter', `label=paas.app=${id}`)
    return output.split('\n').filter(Boolean)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const directory of this.#directories) await rm(directory, { recursive: true, force: true })
    await removeFromEngine(this.#serverId)
  }
}

/** One app: its builds share a cache. */
export class AppBuilder implements AsyncDisposable {
  readonly id = newId<AppId>()
  readonly repository: TestRepository
  readonly sandboxes: BuildSandboxes
  /** What the last build showed. */
  output = ''
  /** How it went. */
  report: BuildReport = { phases: {} }
  readonly #deps: Deps
  readonly #pipelineDeps: PipelineDeps & SandboxesDeps
  readonly #pipeline: RunPipeline

  constructor(deps: Deps, repository: TestRepository) {
    this.#deps = deps
    this.repository = repository
    const repositories = {
      archive: async (_: AppId, commit: string) => archive(repository, commit),
      tree: async (_: AppId, commit: string) => (await repository.git('rev-parse', `${commit}^{tree}`)).output.trim(),
    }
    const makeTree = createTreeMaker(deps.engine)
    const shared = { ...deps, repositories, trees: new AppTrees(deps.engine), makeTree }
    this.sandboxes = new BuildSandboxes(shared)
    this.#pipelineDeps = Object.assign(shared, { sandboxes: this.sandboxes })
    this.#pipeline = createPipeline(this.#pipelineDeps)
  }

  /** A commit of these files, and those of a directory, and no others. */
  async replace(files: Record<string, string>, directory?: string): Promise<string> {
    await this.repository.git('rm', '-r', '--quiet', '.')
    if (directory !== undefined) await cp(directory, this.repository.path, { recursive: true })
    return this.commit(files)
  }

  async commit(files: Record<string, string>): Promise<string> {
    for (const [path, content] of Object.entries(files)) await this.repository.write(path, content)
    return this.repository.commit('Next version')
  }

  /** Builds the repository's last commit. */
  async build({
    config = {},
    buildpacks = [],
    noCache = false,
    signal,
    limits,
    findEarlier,
  }: BuildOptions = {}): Promise<BuildResult> {
    this.output = ''
    const output = createNarrator({ write: (text) => (this.output += text), config })
    const [clock, facts] = [new PhaseClock(), {}]
    const commit = await this.repository.head()
    this.#pipelineDeps.build = { ...this.#deps.build, ...limits }
    this.#pipelineDeps.limits = { ...this.#deps.limits, ...limits }
    const asked = { config, buildpacks, noCache, ...(findEarlier && { findEarlier }) }
    const request = { buildId: newId<BuildId>(), appId: this.id, app: 'an-app', stack: 'debian-13', commit, ...asked }
    try {
      return await this.#pipeline(request, { output, clock, facts }, signal ?? new AbortController().signal)
    } finally {
      this.report = { ...facts, phases: clock.times }
      output.end()
    }
  }

  /** Starts a process type as a dyno of the app, and waits until it answers. */
  async serve({ image, processTypes }: BuildResult, env: Record<string, string> = {}): Promise<RunningApp> {
    const { engine } = this.#deps
    const dyno = await engine.runDyno(
      {
        appId: this.id,
        app: 'an-app',
        name: 'web.1',
        type: 'web',
        release: 1,
        image,
        command: processTypes['web'] ?? null,
        env: { PORT: String(port), DYNO: 'web.1', ...env },
        size: 'basic',
        limits: { memoryMiB: 512, cpus: 1, pids: 256 },
        restart: false,
      },
      new AbortController().signal,
    )
    const app = new RunningApp(engine, dyno)
    await until('the app answers', () => app.get('/').catch(() => undefined))
    return app
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.repository[Symbol.asyncDispose]()
  }
}

const port = 5000

/** Piped on at once: what nobody reads of a process that has ended is thrown away. */
function archive({ path }: TestRepository, commit: string): Readable {
  return spawn('git', ['archive', commit], { cwd: path }).stdout.pipe(new PassThrough())
}

export class RunningApp implements AsyncDisposable {
  readonly #engine: Engine
  readonly #dyno: Dyno

  constructor(engine: Engine, dyno: Dyno) {
    this.#engine = engine
    this.#dyno = dyno
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return request({ address: this.#dyno.address ?? '', port, host: 'an-app.localhost', path, headers })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.stopDyno(this.#dyno.id, 0)
  }
}

/** Runs a shell line in an image, as a dyno's process would be: as the image's user, with the profile, without a network. */
export function runIn({ image }: Pick<BuildResult, 'image'>, line: string, ...options: string[]): Promise<Outcome> {
  const script = `for file in /app/.profile.d/*.sh; do [ ! -f "$file" ] || . "$file"; done; ${line}`
  return docker(
    'run',
    '--rm',
    '--network=none',
    '--cap-drop=ALL',
    ...options,
    '--entrypoint=/bin/bash',
    image,
    '-c',
    script,
  )
}

export function docker(...argv: string[]): Promise<Outcome> {
  return run('docker', argv)
}
