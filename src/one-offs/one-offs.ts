import type { Dyno, Engine } from '../engine/engine.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Grants } from '../grants/grants.ts'
import type { DynoSizes } from '../model/formation.ts'
import type { AppId, OneOffId } from '../model/ids.ts'
import { grantOf, type OneOff } from '../model/one-off.ts'
import { shutdown } from '../model/stop-reasons.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Store } from '../store/store.ts'
import type { AttachedClient } from './client.ts'
import { endLeftExec, isJoining, runInDyno } from './exec-session.ts'
import { oneOffSpec } from './one-off-spec.ts'
import { clientGone, runSession, type SessionDeps } from './session.ts'

export type OneOffsDeps = SessionDeps & {
  engine: Pick<Engine, 'runDyno' | 'listDynos' | 'listServices' | 'execInDyno' | 'endExec'>
  store: Pick<Store, 'oneOffs' | 'apps' | 'releases' | 'slugs'>
  platformLog: Pick<PlatformLog, 'dyno'>
  grants: Pick<Grants, 'hold'>
  sizes: DynoSizes
  /** Copies what a dyno prints into its app's log. */
  collector: { follow(dyno: Dyno): void; finished(id: string): Promise<void> }
}

/** Why one was stopped. */
const asked = Symbol('it was stopped by a user')
const timeUp = Symbol('its time limit is reached')

type Running = { stop: AbortController; done: Promise<void> }

/**
 * The one-off dynos that this process looks after, each to its end: then nothing of it is left,
 * neither in the engine nor in the database. Those without a client outlive this process, and the
 * next one takes them up; those with one end with it.
 */
export class OneOffs implements AsyncDisposable {
  readonly #deps: OneOffsDeps
  readonly #running = new Map<OneOffId, Running>()

  constructor(deps: OneOffsDeps) {
    this.#deps = deps
  }

  /**
   * Starts one that needs no client. Nothing happens if it was started before. Resolves when it
   * runs, or cannot.
   */
  async start(id: OneOffId): Promise<void> {
    const oneOff = this.#deps.store.oneOffs.find(id)?.input === 'none' && this.#deps.store.oneOffs.start(id)
    if (!oneOff) return
    const running = Promise.withResolvers<void>()
    void this.#track(oneOff, async (signal) => {
      const dyno = await this.#launch(oneOff, signal).finally(running.resolve)
      await this.#watch(dyno, signal)
    })
    await running.promise
  }

  /**
   * Runs one for its client, who has redeemed its token, as long as both may. Resolves when nothing
   * of it is left.
   */
  attach(oneOff: OneOff, client: AttachedClient): Promise<void> {
    return this.#track(oneOff, async (stopped) => {
      let signal = stopped
      try {
        using access = this.#deps.grants.hold(grantOf(oneOff))
        signal = AbortSignal.any([stopped, access.signal])
        if (isJoining(oneOff)) return await runInDyno(this.#deps, { oneOff, client }, signal)
        const spec = oneOffSpec(this.#deps, oneOff)
        await runSession(this.#deps, { spec, client, terminal: oneOff.input === 'terminal' }, signal)
      } catch (cause) {
        await client
          .failed(signal.aborted ? whyStopped(oneOff, signal) : asPaasError(cause).message)
          .catch(() => undefined)
        throw cause
      }
    })
  }

  /** Resolves when it is gone, or at once if it does not exist. A waiting one never starts. */
  async stop(appId: AppId, name: string): Promise<void> {
    const { oneOffs } = this.#deps.store
    const oneOff = oneOffs.findByName(appId, name)
    if (!oneOff) return
    if (oneOff.state.kind === 'waiting') return oneOffs.remove(oneOff.id)
    this.#running.get(oneOff.id)?.stop.abort(asked)
    await this.#running.get(oneOff.id)?.done
  }

  /** Which of these dynos continue after the process that started them died. */
  survivors(dynos: Dyno[]): Set<string> {
    return new Set(dynos.filter((dyno) => this.#recordOf(dyno)?.input === 'none').map(({ id }) => id))
  }

  /**
   * Takes up what the database knows and nobody here looks after, and removes what it does not
   * know.
   */
  resume(dynos: Dyno[]): void {
    const { oneOffs } = this.#deps.store
    for (const dyno of dynos) if (dyno.type === 'run' && !this.#recordOf(dyno)) void this.#remove(dyno)
    const present = new Map(dynos.map((dyno) => [this.#recordOf(dyno)?.id, dyno]))
    for (const oneOff of oneOffs.list()) {
      if (this.#running.has(oneOff.id)) continue
      const dyno = present.get(oneOff.id)
      if (oneOff.state.kind === 'waiting') void this.#startAgain(oneOff)
      else if (dyno && oneOff.input === 'none') void this.#track(oneOff, (signal) => this.#watch(dyno, signal))
      else this.#forget(oneOff, dynos)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stop } of this.#running.values()) stop.abort(shutdown)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  /**
   * What cannot be begun now, because the disk does not take it, still waits when the database is
   * gone through again.
   */
  async #startAgain(oneOff: OneOff): Promise<void> {
    const { log } = this.#deps
    const about = { app: oneOff.appId, dyno: oneOff.name }
    await this.start(oneOff.id).catch((error: unknown) => log.warn({ ...about, err: error }, 'one-off not begun'))
  }

  /** Its worker died, and with it its client's connection. */
  #forget(oneOff: OneOff, dynos: Dyno[]): void {
    const { log } = this.#deps
    this.#removeFromRecord(oneOff)
    if (!isJoining(oneOff)) return
    endLeftExec(this.#deps, oneOff, dynos).catch((error: unknown) =>
      log.warn({ err: error }, 'a session was not ended'),
    )
  }

  #recordOf({ appId, name, type }: Dyno): OneOff | undefined {
    return type === 'run' ? this.#deps.store.oneOffs.findByName(appId, name) : undefined
  }

  /** Left when the engine went away before it could be stopped. */
  async #remove(dyno: Dyno): Promise<void> {
    const { engine, log } = this.#deps
    const about = { app: dyno.appId, dyno: dyno.name }
    await engine.stopDyno(dyno.id, 0).catch((error: unknown) => log.warn({ ...about, err: error }, 'dyno not removed'))
  }

  /** Never rejects: the result is in the app's log. */
  #track(oneOff: OneOff, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController()
    const begun = oneOff.state.kind === 'started' ? oneOff.state.at.getTime() : Date.now()
    const left = begun + oneOff.timeToLive * 1000 - Date.now()
    const timer = setTimeout(() => this.#timeUp(oneOff, stop), Math.max(0, left))
    const done = this.#guard(oneOff, () => work(stop.signal), stop.signal).finally(() => {
      clearTimeout(timer)
      this.#running.delete(oneOff.id)
    })
    this.#running.set(oneOff.id, { stop, done })
    return done
  }

  #timeUp(oneOff: OneOff, stop: AbortController): void {
    stop.abort(timeUp)
    this.#deps.platformLog.dyno(oneOff, whyStopped(oneOff, stop.signal))
  }

  async #guard(oneOff: OneOff, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { platformLog, log } = this.#deps
    try {
      await work()
    } catch (cause) {
      if (signal.reason === shutdown && oneOff.input === 'none') return
      const error = asPaasError(cause)
      // It is removed at the next start, or when the engine is back.
      if (error.code === 'engine_unavailable' && oneOff.input === 'none') return
      if (!signal.aborted && cause !== clientGone) {
        const what = error.code === 'forbidden' ? 'Stopped' : 'Cannot run'
        platformLog.dyno(oneOff, `${what}: ${error.message}`)
        log.warn({ app: oneOff.appId, dyno: oneOff.name, err: error }, 'one-off dyno failed')
      }
    }
    this.#removeFromRecord(oneOff)
  }

  /**
   * What a full disk keeps in the database is found there by the next start of the worker, or is
   * too old at some time.
   */
  #removeFromRecord({ id, appId, name }: OneOff): void {
    const { store, log } = this.#deps
    try {
      store.oneOffs.remove(id)
    } catch (cause) {
      log.warn({ app: appId, dyno: name, err: cause }, 'one-off still on record')
    }
  }

  async #launch(oneOff: OneOff, signal: AbortSignal): Promise<Dyno> {
    const { engine, dynoLog, collector } = this.#deps
    const spec = oneOffSpec(this.#deps, oneOff)
    dynoLog.launching(spec, spec.command)
    const dyno = await engine.runDyno(spec, signal)
    dynoLog.started(dyno)
    dynoLog.up(dyno)
    collector.follow(dyno)
    return dyno
  }

  /** Until it has ended, and all it printed is in the log. */
  async #watch(dyno: Dyno, signal: AbortSignal): Promise<void> {
    const { engine, dynoLog, collector, stop } = this.#deps
    try {
      await engine.waitDyno(dyno.id, signal)
      collector.follow(dyno)
    } catch (cause) {
      if (signal.reason !== timeUp && signal.reason !== asked) throw cause
      dynoLog.stopping(dyno)
      await engine.stopDyno(dyno.id, stop.graceSeconds * 1000)
    }
    await collector.finished(dyno.id)
    await engine.stopDyno(dyno.id, 0)
  }
}

function whyStopped({ name, timeToLive }: OneOff, { reason }: AbortSignal): string {
  if (reason === timeUp) return `${name} was stopped: its time limit of ${timeToLive} s is reached.`
  if (reason === shutdown) return `${name} was stopped: the server stops.`
  if (reason instanceof PaasError) return `${name} was stopped: ${reason.message}`
  return `${name} was stopped.`
}
