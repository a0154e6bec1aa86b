import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls back at each sign that the main thread of a process continues, about once a second, until
 * the signal.
 */
export type Heartbeat = (onBeat: () => void, signal: AbortSignal) => void

/** In the time that a process may be silent. */
const looks = 20

/**
 * Resolves when there was no sign of life for `limitMs`; rejects with the signal's reason. Looks
 * are counted, not the clock asked: where the supervisor itself was stopped or its machine stood
 * still, one look is due whatever time went by, and what came meanwhile is heard before the next.
 */
export async function untilSilent(heartbeat: Heartbeat, limitMs: number, signal: AbortSignal): Promise<void> {
  let silent = 0
  heartbeat(() => (silent = 0), signal)
  while (silent < looks) {
    await sleep(limitMs / looks, undefined, { signal })
    silent++
  }
}
