import { asPaasError, isPassing } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { DynoRecord } from '../model/dyno.ts'
import type { DynoStateRecords } from '../store/dyno-records.ts'

type Saved = Pick<DynoStateRecords, 'find' | 'put' | 'lose' | 'forget' | 'keepOnly'>

/** A state that the disk did not take yet; undefined of a dyno that is gone. */
type Unsaved = { record: DynoRecord | undefined; save: () => void }

/**
 * The states of dynos in memory, so that no action on a dyno waits for the disk. A state that a
 * full disk does not accept is kept here and saved with the next change or the patrol's next round.
 */
export class RememberedStates implements Saved {
  readonly #saved: Saved
  readonly #log: Logger
  readonly #unsaved = new Map<string, Unsaved>()
  #failing = false

  constructor({ saved, log }: { saved: Saved; log: Logger }) {
    this.#saved = saved
    this.#log = log
  }

  find(id: string): DynoRecord | undefined {
    const unsaved = this.#unsaved.get(id)
    return unsaved ? unsaved.record : this.#saved.find(id)
  }

  put: Saved['put'] = (dyno, change) => {
    const unsaved = this.#unsaved.get(dyno.id)
    if (unsaved && unsaved.record === undefined) return
    this.#remember(dyno.id, { record: { ...dyno, ...change }, save: () => this.#saved.put(dyno, change) })
  }

  forget(id: string): void {
    this.#remember(id, { record: undefined, save: () => this.#saved.forget(id) })
  }

  /**
   * Returns none while they cannot be saved: it is asked again for as long as the engine is away.
   */
  lose(since: Date): DynoRecord[] {
    return this.#saving(() => this.#saved.lose(since)) ?? []
  }

  keepOnly(ids: ReadonlySet<string>, since: Date): void {
    for (const [id, { record }] of this.#unsaved) {
      if (!ids.has(id) && record && record.since < since) this.#unsaved.delete(id)
    }
    this.#saving(() => this.#saved.keepOnly(ids, since))
  }

  #remember(id: string, unsaved: Unsaved): void {
    this.#unsaved.delete(id)
    this.#unsaved.set(id, unsaved)
    this.#saving(() => undefined)
  }

  /**
   * What waits is saved first, since it happened first. Returns undefined while the disk takes
   * nothing.
   */
  #saving<T>(next: () => T): T | undefined {
    try {
      for (const [id, { save }] of this.#unsaved) {
        save()
        this.#unsaved.delete(id)
      }
      const result = next()
      this.#failing = false
      return result
    } catch (cause) {
      if (!isPassing(asPaasError(cause))) throw cause
      if (!this.#failing) this.#log.warn({ err: cause }, 'states of dynos cannot be saved; remembered until they can')
      this.#failing = true
      return undefined
    }
  }
}
