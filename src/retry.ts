import { setTimeout as delay } from 'node:timers/promises'

export type Retrying = {
  /** Told of each failure and its number, from 1 on; throws what is not to be tried again. */
  onFailure: (thrown: unknown, failures: number) => void
  /** Milliseconds until the next attempt, after so many failures. */
  pause: (failures: number) => number
  signal?: AbortSignal | undefined
}

/**
 * Does `work` until it succeeds.
 * @throws what `onFailure` throws, or an AbortError once the signal is aborted
 */
export async function retry<T>(work: () => Promise<T>, { onFailure, pause, signal }: Retrying): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work()
    } catch (thrown) {
      onFailure(thrown, failures)
      await delay(pause(failures), undefined, { signal })
    }
  }
}

/** For how long something that fails is tried again. */
export class Patience<Id> {
  readonly #milliseconds: number
  readonly #since = new Map<Id, number>()

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** Asked after each failure. @returns whether it is worth another attempt */
  isLeft(id: Id): boolean {
    const now = performance.now()
    const since = this.#since.get(id) ?? now
    if (now - since >= this.#milliseconds) return !this.#since.delete(id)
    this.#since.set(id, since)
    return true
  }

  forget(id: Id): void {
    this.#since.delete(id)
  }
}
