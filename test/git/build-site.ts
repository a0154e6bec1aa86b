import { isFinished, type Build } from '../../src/model/build.ts'
import type { AppId, BuildId } from '../../src/model/ids.ts'
import type { Job } from '../../src/model/job.ts'
import type { Repositories } from '../../src/model/repositories.ts'
import { openOutputWriters } from '../../src/output/writer.ts'
import type { RedisDeps } from '../../src/redis.ts'
import { startWorker } from '../../src/queue/start-worker.ts'
import type { Store } from '../../src/store/store.ts'

/** What a build does here: `say` prints; what it gives is its end. */
export type Script = (build: Build, say: (text: string) => void) => Promise<Ending>
type Ending = 'succeeded' | { code: 'build_failed' | 'boot_failed' | 'source_invalid'; reason: string }

const succeed: Script = async (_, say) => {
  say('-----> Built\n')
  return 'succeeded'
}

/** Stands in for building and deploying: one build per app at a time, the record and the refs kept as the worker does. */
export class BuildSite implements AsyncDisposable {
  /** What building is for an app; one that is not here succeeds at once. */
  readonly scripts = new Map<AppId, Script>()
  readonly started: Build[] = []
  readonly #deps: { store: Store; repositories: Repositories; queue: RedisDeps; directory: string }
  readonly #stack = new AsyncDisposableStack()
  readonly #writers
  readonly #turns = new Map<AppId, Promise<void>>()

  constructor(deps: { store: Store; repositories: Repositories; queue: RedisDeps; directory: string }) {
    this.#deps = deps
    this.#writers = this.#stack.use(openOutputWriters({ ...deps.queue, directory: deps.directory }))
    const handlers = {
      run: async (job: Job) => (job.kind === 'build' ? this.#inTurn(job.appId, job.buildId) : undefined),
      cancel: () => undefined,
      expect: () => undefined,
      connected: () => {
        for (const { appId, id } of deps.store.builds.listUnfinished()) void this.#inTurn(appId, id)
      },
    }
    this.#stack.use(startWorker({ ...deps.queue, handlers, concurrency: 10 }))
  }

  async #inTurn(appId: AppId, id: BuildId): Promise<void> {
    const turn = (this.#turns.get(appId) ?? Promise.resolve()).then(() => this.#run(id))
    this.#turns.set(appId, turn)
    await turn
  }

  async #run(id: BuildId): Promise<void> {
    const { store, repositories } = this.#deps
    const known = store.builds.find(id)
    if (!known || isFinished(known.state) || this.started.some((build) => build.id === id)) return
    const build = store.builds.claim(id)
    if (!build) return
    this.started.push(build)
    await using writer = this.#writers.open(id)
    const script = this.scripts.get(build.appId) ?? succeed
    const ending = await script(build, (text) => writer.write(text))
    const finishedAt = new Date()
    if (ending === 'succeeded') {
      if (build.ref !== null) {
        const previous = await repositories.resolve(build.appId, build.ref)
        await repositories.moveRef(build.appId, build.ref, build.commit, previous ?? null)
      }
      store.builds.finish(id, build.generation, { kind: 'succeeded', finishedAt })
    } else store.builds.finish(id, build.generation, { kind: 'failed', finishedAt, ...ending })
    await repositories.release(build.appId, id)
    await writer.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}
