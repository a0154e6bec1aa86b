import { isFinished, type Build } from '../../src/model/build.ts'
import type { BuildId } from '../../src/model/ids.ts'
import type { Repositories } from '../../src/git/repositories.ts'
import { openOutputWriters } from '../../src/queue/output-writer.ts'
import type { QueueDeps } from '../../src/queue/redis.ts'
import { startWorker } from '../../src/queue/start-worker.ts'
import type { Store } from '../../src/store/store.ts'

/** What a build does here: `say` prints; what it gives is its end. */
export type Script = (build: Build, say: (text: string) => void) => Promise<Ending>
export type Ending = 'succeeded' | { code: 'build_failed' | 'boot_failed' | 'source_invalid'; reason: string }

/** Stands in for building and deploying: one build per app at a time, the record and the refs kept as the worker does. */
export class BuildSite implements AsyncDisposable {
  /** Replaced by tests. */
  script: Script
  readonly started: Build[] = []
  readonly #deps: { store: Store; repositories: Repositories; queue: QueueDeps; directory: string }
  readonly #stack = new AsyncDisposableStack()
  readonly #writers
  #turn: Promise<void> = Promise.resolve()

  constructor(deps: { store: Store; repositories: Repositories; queue: QueueDeps; directory: string; script: Script }) {
    this.#deps = deps
    this.script = deps.script
    this.#writers = this.#stack.use(openOutputWriters({ ...deps.queue, directory: deps.directory }))
    const run = async (id: BuildId): Promise<void> => {
      const turn = this.#turn.then(() => this.#run(id))
      this.#turn = turn.catch(() => undefined)
      await turn
    }
    const handlers = {
      run: (job: { kind: string; buildId?: BuildId }) => (job.buildId ? run(job.buildId) : Promise.resolve()),
      cancel: () => undefined,
      connected: () => {
        for (const { id } of deps.store.builds.listUnfinished())
          if (!this.started.some((b) => b.id === id)) void run(id)
      },
    }
    this.#stack.use(startWorker({ ...deps.queue, handlers, concurrency: 10 }))
  }

  async #run(id: BuildId): Promise<void> {
    const { store, repositories } = this.#deps
    const known = store.builds.find(id)
    if (!known || isFinished(known.state) || this.started.some((build) => build.id === id)) return
    const build = store.builds.claim(id)
    if (!build) return
    this.started.push(build)
    await using writer = this.#writers.open(id)
    const ending = await this.script(build, (text) => writer.write(text))
    const finishedAt = new Date()
    if (ending === 'succeeded') {
      if (build.ref !== null) await repositories.moveRef(build.appId, build.ref, build.commit, build.previousCommit)
      store.builds.finish(id, build.generation, { kind: 'succeeded', finishedAt })
    } else store.builds.finish(id, build.generation, { kind: 'failed', finishedAt, ...ending })
    await repositories.release(build.appId, id)
    await writer.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
