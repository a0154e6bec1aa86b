import type { Dyno } from '../engine/engine.ts'
import { isSilent } from '../model/dyno.ts'
import type { DynoStateRecords } from '../store/dyno-records.ts'
import { isReadyNow } from './readiness.ts'

/**
 * The dynos known to be ready. One that was is believed until its process ends, by the next worker
 * too, so that a busy app, which is slow to answer, is neither asked again nor taken out of
 * service.
 */
export class ReadyDynos {
  readonly #states: Pick<DynoStateRecords, 'find'>
  readonly #startedAt = new Map<string, number>()

  constructor({ states }: { states: Pick<DynoStateRecords, 'find'> }) {
    this.#states = states
  }

  async isReady(dyno: Dyno): Promise<boolean> {
    if (dyno.state.kind !== 'running') {
      this.#startedAt.delete(dyno.id)
      return false
    }
    const startedAt = dyno.state.since.getTime()
    if (this.#startedAt.get(dyno.id) === startedAt || this.#wasUp(dyno, startedAt)) return true
    if (!(await isReadyNow(dyno, Date.now() - startedAt))) return false
    this.#startedAt.set(dyno.id, startedAt)
    return true
  }

  /** Another part of the worker found it ready. */
  remember(dyno: Dyno): void {
    if (dyno.state.kind === 'running') this.#startedAt.set(dyno.id, dyno.state.since.getTime())
  }

  /** It is gone. */
  forget(id: string): void {
    this.#startedAt.delete(id)
  }

  /** Others are gone, and nobody heard of it. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#startedAt.keys()) if (!ids.has(id)) this.forget(id)
  }

  #wasUp({ id }: Dyno, startedAt: number): boolean {
    const seen = this.#states.find(id)
    return seen !== undefined && (seen.state === 'up' || isSilent(seen)) && seen.since.getTime() >= startedAt
  }
}
