import { asPaasError, isPassing } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { AppId, BuildId, OneOffId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'
import { cancelled, shutdown } from '../model/stop-reasons.ts'

/**
 * What a job makes the worker do. Each comes to an end whatever happens, by the database or by the
 * signal.
 */
export type Work = {
  build(buildId: BuildId, stop: AbortController): Promise<void>
  /** What follows the verdict of a build that sets an app up. */
  continueSetup(buildId: BuildId, signal: AbortSignal): Promise<void>
  converge(appId: AppId, signal: AbortSignal): Promise<void>
  /** What a converge does not wait for: one pending release and its command. */
  release(appId: AppId, signal: AbortSignal): Promise<void>
  restart(appId: AppId, dyno: string | null, signal: AbortSignal): Promise<void>
  run(oneOffId: OneOffId): Promise<void>
}

/** The jobs that are work of some length. */
export type WorkJob = Exclude<Job, { kind: 'drains' | 'upgrade' | 'addons' | 'certificates' | 'data' | 'volumes' }>

/** What a piece of work is about, for the log. */
type Subject = { app: AppId; build?: BuildId }

/** Milliseconds until a converge that failed for a passing reason is tried again. */
const tryAgainAfter = 2000

/**
 * Dispatches all work: jobs from the queue, events of the engine, and unfinished work in the
 * database at start. A build requested twice runs once; waiting converges are merged, since each
 * reads the whole state.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #work: Work
  readonly #log: Logger
  readonly #stopping = new AbortController()
  readonly #builds = new Map<BuildId, { appId: AppId; stop: AbortController; done: Promise<void> }>()
  readonly #releases = new Map<AppId, AbortController>()
  readonly #converges = new Map<AppId, { current: Promise<void>; next: Promise<void> | undefined }>()
  readonly #underWay = new Set<Promise<void>>()

  constructor(work: Work, log: Logger) {
    this.#work = work
    this.#log = log
  }

  get signal(): AbortSignal {
    return this.#stopping.signal
  }

  /**
   * @returns when the job is done; it never fails, since the database keeps what is still to be
   *   done
   */
  run = (job: WorkJob): Promise<void> => {
    if (this.signal.aborted) return Promise.resolve()
    switch (job.kind) {
      case 'build':
        return this.build(job.appId, job.buildId)
      case 'converge':
        return this.converge(job.appId)
      case 'restart':
        return this.#track({ app: job.appId }, () => this.#work.restart(job.appId, job.dyno, this.signal))
      case 'run':
        return this.#track({ app: job.appId }, () => this.#work.run(job.oneOffId))
    }
  }

  build(appId: AppId, buildId: BuildId): Promise<void> {
    const known = this.#builds.get(buildId)
    if (known) return known.done
    // This scan may still run while the worker stops: what it finds then is the next worker's.
    if (this.signal.aborted) return Promise.resolve()
    const stop = new AbortController()
    const done = this.#track({ app: appId, build: buildId }, async () => {
      await this.#work.build(buildId, stop)
      // Then the releases that waited for the build's verdict.
      void this.converge(appId)
      await this.#work.continueSetup(buildId, stop.signal)
    }).finally(() => this.#builds.delete(buildId))
    this.#builds.set(buildId, { appId, stop, done })
    return done
  }

  /**
   * One that has begun may have read the database already, so a second one follows it; a third is
   * the second.
   */
  converge(appId: AppId): Promise<void> {
    const known = this.#converges.get(appId)
    if (!known) return this.#converge(appId)
    known.next ??= known.current.then(() => this.#converge(appId))
    return known.next
  }

  /** One at a time per app; the converge that follows finds out whether there is another one. */
  release(appId: AppId): void {
    if (this.#releases.has(appId) || this.signal.aborted) return
    const stop = new AbortController()
    this.#releases.set(appId, stop)
    const work = async (): Promise<void> => {
      await this.#work.release(appId, stop.signal).finally(() => this.#releases.delete(appId))
      void this.converge(appId)
    }
    void this.#track({ app: appId }, work, stop.signal)
  }

  cancel = (buildId: BuildId): void => {
    this.#builds.get(buildId)?.stop.abort(cancelled())
  }

  /** Ends the app's builds and its release command. */
  cancelAll(appId: AppId): void {
    for (const [buildId, build] of this.#builds) if (build.appId === appId) this.cancel(buildId)
    this.#releases.get(appId)?.abort(cancelled())
  }

  /** Running builds are given back: the next worker takes them up again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(shutdown)
    for (const { stop } of this.#builds.values()) stop.abort(shutdown)
    for (const stop of this.#releases.values()) stop.abort(shutdown)
    await Promise.all(this.#underWay)
  }

  #converge(appId: AppId): Promise<void> {
    if (this.signal.aborted) return Promise.resolve()
    const current = this.#track({ app: appId }, async () => this.#work.converge(appId, this.signal)).then(() => {
      if (this.#converges.get(appId)?.current === current) this.#converges.delete(appId)
    })
    this.#converges.set(appId, { current, next: undefined })
    return current
  }

  async #track(about: Subject, work: () => Promise<void>, signal = this.signal): Promise<void> {
    const running = this.#guard(about, work, signal)
    this.#underWay.add(running)
    await running
    this.#underWay.delete(running)
  }

  async #guard(about: Subject, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (signal.aborted) return
      this.#log.error({ ...about, err: error }, 'work failed; it is found in the record again')
      if (isPassing(asPaasError(error))) this.#tryAgain(about.app)
    }
  }

  #tryAgain(appId: AppId): void {
    const timer = setTimeout(() => void this.converge(appId), tryAgainAfter)
    this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
}
