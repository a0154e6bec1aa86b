import type { Logger } from '../../log.ts'

type Options<Value> = {
  look: (key: string) => Promise<Value>
  /** Milliseconds after which it is looked at again, when somebody asks. */
  keep: number
  /** Looks at once. */
  atOnce: number
  /** Milliseconds after which what nobody asks for is forgotten; more than `keep`. */
  forget?: number
  log: Logger
}

type Known<Value> = { value: Value; at: number; askedAt: number }

/**
 * What takes too long to be found while somebody waits: it is looked at behind the answer, one look
 * at a time for each key, and only when somebody asks. All that is asked for is remembered, however
 * many keys that are: with a limit to them, a longer list would be looked at again and again.
 */
export class BackgroundLooks<Value> {
  readonly #options: Required<Options<Value>>
  /** Those asked for last are last. */
  readonly #known = new Map<string, Known<Value>>()
  readonly #waiting = new Set<string>()
  #running = 0

  constructor(options: Options<Value>) {
    this.#options = { forget: 3_600_000, ...options }
  }

  /** How many keys it remembers. */
  get size(): number {
    return this.#known.size
  }

  /** What was found last, if anything; begins to look where that is nothing, or too long ago. */
  of(key: string): { value: Value | undefined; at: number | undefined; isLooking: boolean } {
    const found = this.#known.get(key)
    if (found) this.#remember(key, { ...found, askedAt: Date.now() })
    if (!found || Date.now() - found.at > this.#options.keep) this.#waiting.add(key)
    this.#forgetOld()
    this.#goOn()
    return { value: found?.value, at: found?.at, isLooking: this.#waiting.has(key) }
  }

  #goOn(): void {
    const { atOnce } = this.#options
    if (this.#running >= Math.min(atOnce, this.#waiting.size)) return
    const next = [...this.#waiting].slice(this.#running, atOnce)
    this.#running += next.length
    for (const key of next) void this.#lookAt(key)
  }

  async #lookAt(key: string): Promise<void> {
    try {
      const value = await this.#options.look(key)
      const now = Date.now()
      this.#remember(key, { value, at: now, askedAt: now })
    } catch (cause) {
      this.#options.log.warn({ err: cause, key }, 'what was asked for could not be looked up')
    } finally {
      this.#waiting.delete(key)
      this.#running--
      this.#goOn()
    }
  }

  #remember(key: string, known: Known<Value>): void {
    this.#known.delete(key)
    this.#known.set(key, known)
  }

  #forgetOld(): void {
    for (const [key, { askedAt }] of this.#known) {
      if (Date.now() - askedAt <= this.#options.forget) return
      this.#known.delete(key)
    }
  }
}
