import type { Dyno, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { DynoLog } from './dyno-log.ts'
import type { Routes } from './routes.ts'

export type RetirementDeps = {
  engine: Pick<Engine, 'stopDyno'>
  routes: Pick<Routes, 'drain'>
  dynoLog: DynoLog
  stop: { graceSeconds: number; drainSeconds: number }
  log: Logger
}

/**
 * Takes dynos that nothing routes to any more out of service, in the background: requests in flight
 * finish, then SIGTERM, then SIGKILL. Nothing waits for it; what a dead worker left unfinished is
 * found by the next reconcile.
 */
export class Retirement {
  readonly #deps: RetirementDeps
  readonly #retiring = new Map<string, Promise<void>>()

  constructor(deps: RetirementDeps) {
    this.#deps = deps
  }

  /** @param given another time to drain than the usual one */
  retire(dynos: Dyno[], { drainSeconds }: { drainSeconds: number } = this.#deps.stop): void {
    for (const dyno of dynos) {
      if (this.#retiring.has(dyno.id)) continue
      const work = this.#takeDown(dyno, drainSeconds).finally(() => this.#retiring.delete(dyno.id))
      this.#retiring.set(dyno.id, work)
    }
  }

  isRetiring(id: string): boolean {
    return this.#retiring.has(id)
  }

  /** Resolves when these dynos are gone. */
  async finished(dynos: Dyno[]): Promise<void> {
    await Promise.all(dynos.map(async ({ id }) => this.#retiring.get(id)))
  }

  async #takeDown(dyno: Dyno, drainSeconds: number): Promise<void> {
    const { log } = this.#deps
    const about = { app: dyno.appId, dyno: dyno.name, release: dyno.release }
    try {
      await this.#drain(dyno, Math.min(drainSeconds, this.#deps.stop.drainSeconds))
      await this.#stop(dyno)
    } catch (error) {
      log.warn({ ...about, err: error }, 'dyno not stopped; the next reconcile tries again')
    }
  }

  async #stop(dyno: Dyno): Promise<void> {
    const { engine, dynoLog, stop } = this.#deps
    dynoLog.stopping(dyno)
    const graceMs = stop.graceSeconds * 1000
    const timer = setTimeout(() => dynoLog.killing(dyno, stop.graceSeconds), graceMs)
    try {
      await engine.stopDyno(dyno.id, graceMs)
    } finally {
      clearTimeout(timer)
    }
  }

  /** A router that is away has no requests to finish. */
  async #drain(dyno: Dyno, drainSeconds: number): Promise<void> {
    const { routes, log } = this.#deps
    if (dyno.port === undefined) return
    try {
      const { unfinished } = await routes.drain([dyno.id], drainSeconds * 1000)
      if (unfinished > 0)
        log.info({ app: dyno.appId, dyno: dyno.name, unfinished }, 'requests cut after the drain time')
    } catch (error) {
      log.warn({ app: dyno.appId, dyno: dyno.name, err: error }, 'dyno not drained')
    }
  }
}
