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

/** Milliseconds between the first two attempts, and at most: each pause is twice the one before. */
type Pauses = { first: number; most: number }
const usualPauses: Pauses = { first: 4000, most: 60_000 }

type Trouble = { since: number; pause: number; due: number }

/** For how long something that fails is tried again, less and less often. */
export class Patience<Id> {
  readonly #milliseconds: number
  readonly #pauses: Pauses
  readonly #troubles = new Map<Id, Trouble>()

  constructor(milliseconds: number, pauses = usualPauses) {
    this.#milliseconds = milliseconds
    this.#pauses = pauses
  }

  /** Asked after each failure. @returns whether it is worth another attempt */
  isLeft(id: Id): boolean {
    const now = performance.now()
    const { since, pause } = this.#troubles.get(id) ?? { since: now, pause: this.#pauses.first / 2 }
    if (now - since >= this.#milliseconds) return !this.#troubles.delete(id)
    const next = Math.min(2 * pause, this.#pauses.most)
    this.#troubles.set(id, { since, pause: next, due: now + next })
    return true
  }

  /** Asked before an attempt. @returns false in the pause after a failure */
  isDue(id: Id): boolean {
    return performance.now() >= (this.#troubles.get(id)?.due ?? 0)
  }

  forget(id: Id): void {
    this.#troubles.delete(id)
  }
}

/** Between attempts at what is done once a day. */
export const pausesOfADay: Pauses = { first: 60_000, most: 3_600_000 }

/** Work that is done once a day and could not be done: when it is to be tried again that day. */
export class Overdue<Id, Work> {
  readonly #patience = new Patience<Id>(20 * 3_600_000, pausesOfADay)
  readonly #waiting = new Map<Id, Work>()

  add(id: Id, work: Work): void {
    if (this.#patience.isLeft(id)) this.#waiting.set(id, work)
  }

  /** What is due by now, which waits no longer. */
  take(): Work[] {
    const due = [...this.#waiting].filter(([id]) => this.#patience.isDue(id))
    for (const [id] of due) this.#waiting.delete(id)
    return due.map(([, work]) => work)
  }

  /** It is done, or begun anew. */
  forget(id: Id): void {
    this.#waiting.delete(id)
    this.#patience.forget(id)
  }
}
