import { Semaphore } from 'async-mutex'
import { once } from 'node:events'
import type { Build } from '../model/build.ts'

/** How many builds of all apps compile at once. */
export class BuildSlots {
  readonly #count: number
  readonly #semaphore: Semaphore

  constructor(count: number) {
    this.#count = count
    this.#semaphore = new Semaphore(count)
  }

  /**
   * One that a worker was lost with may be why: it is built alone, so that no other one is blamed
   * the next time. One that is told to stop has nothing to build, and waits for no slot.
   * @returns what frees the slot
   */
  async take({ losses }: Build, stop: AbortSignal): Promise<() => void> {
    const slot = this.#semaphore.acquire(losses > 0 ? this.#count : 1)
    const told = stop.aborted ? undefined : once(stop, 'abort').then(() => undefined)
    const taken = await Promise.race([slot, told])
    if (taken) return taken[1]
    void slot.then(([, free]) => free())
    return () => undefined
  }
}
