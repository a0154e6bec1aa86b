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
