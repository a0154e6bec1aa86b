import { setTimeout as delay } from 'node:timers/promises'

/** Calls `act` every so many milliseconds until `signal`; what a busy machine missed is made up for, a second of it at most. */
export async function eachTick(milliseconds: number, signal: AbortSignal, act: () => void): Promise<void> {
  let due = performance.now() + milliseconds
  while (await pause(due - performance.now(), signal)) {
    const now = performance.now()
    due = Math.max(due, now - 1_000)
    for (; due <= now; due += milliseconds) act()
  }
}

/** @returns false when `signal` came before the time was over */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(Math.max(0, milliseconds), undefined, { signal })
    return true
  } catch {
    return false
  }
}
