/**
 * Milliseconds between two replacements of an app's dynos; doubles each time until the dynos stay
 * up for a while.
 */
const pauses = { shortest: 60_000, longest: 3_600_000 }

/**
 * Keeps what is done again and again for the same app, and does not help, from being done all the
 * time.
 */
export class BackOff<Id> {
  readonly #last = new Map<Id, { at: number; pause: number }>()
  readonly #now: () => number

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  isWaiting(id: Id): boolean {
    const last = this.#last.get(id)
    return last !== undefined && this.#now() < last.at + last.pause
  }

  /** It was done just now. */
  note(id: Id): void {
    const now = this.#now()
    for (const [other, { at, pause }] of this.#last)
      if (now > at + 2 * pause + pauses.shortest) this.#last.delete(other)
    const before = this.#last.get(id)?.pause
    this.#last.set(id, { at: now, pause: before ? Math.min(before * 2, pauses.longest) : pauses.shortest })
  }
}
