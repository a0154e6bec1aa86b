import type { Dyno } from '../engine/engine.ts'
import { isReady } from './readiness.ts'

/**
 * The dynos known to be ready. One that was is believed until its process ends, so that a busy app, which is slow to take
 * connections, is not taken out of service.
 */
export class ReadyDynos {
  readonly #startedAt = new Map<string, number>()

  async isReady(dyno: Dyno): Promise<boolean> {
    if (dyno.state.kind !== 'running') {
      this.#startedAt.delete(dyno.id)
      return false
    }
    const startedAt = dyno.state.since.getTime()
    if (this.#startedAt.get(dyno.id) === startedAt) return true
    if (!(await isReady(dyno, Date.now() - startedAt))) return false
    this.#startedAt.set(dyno.id, startedAt)
    return true
  }

  /** Somebody else has found it ready. */
  remember(dyno: Dyno): void {
    if (dyno.state.kind === 'running') this.#startedAt.set(dyno.id, dyno.state.since.getTime())
  }

  forget(id: string): void {
    this.#startedAt.delete(id)
  }
}
