import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls back at each sign that the main thread of a process continues, about once a second, until
 * the signal.
 */
export type Heartbeat = (onBeat: () => void, signal: AbortSignal) => void

/** Checks within the time that a process may be silent. */
const looks = 20

/**
 * Resolves after `limitMs` without a heartbeat; rejects with the signal's reason. It counts checks
 * instead of comparing times: when the supervisor or the machine was suspended, only one check is
 * due however long it was, and heartbeats that arrived meanwhile are read before the next.
 */
export async function untilSilent(heartbeat: Heartbeat, limitMs: number, signal: AbortSignal): Promise<void> {
  let silent = 0
  heartbeat(() => (silent = 0), signal)
  while (silent < looks) {
    await sleep(limitMs / looks, undefined, { signal })
    silent++
  }
}
