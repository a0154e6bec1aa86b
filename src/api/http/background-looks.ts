import type { Logger } from '../../log.ts'

type Options<Value> = {
  look: (key: string) => Promise<Value>
  /** Milliseconds after which it is looked at again, when somebody asks. */
  keep: number
  /** Looks at once. */
  atOnce: number
  log: Logger
}

/** Keys that are remembered. */
const most = 2000

/**
 * What takes too long to be found while somebody waits: it is looked at behind the answer, one look
 * at a time for each key, and only when somebody asks.
 */
export class BackgroundLooks<Value> {
  readonly #options: Options<Value>
  readonly #known = new Map<string, { value: Value; at: number }>()
  readonly #waiting = new Set<string>()
  #running = 0

  constructor(options: Options<Value>) {
    this.#options = options
  }

  /** What was found last, if anything; begins to look where that is nothing, or too long ago. */
  of(key: string): { value: Value | undefined; at: number | undefined; isLooking: boolean } {
    const found = this.#known.get(key)
    if (!found || Date.now() - found.at > this.#options.keep) this.#waiting.add(key)
    this.#goOn()
    return { value: found?.value, at: found?.at, isLooking: this.#waiting.has(key) }
  }

  #goOn(): void {
    const next = [...this.#waiting].slice(this.#running, this.#options.atOnce)
    this.#running += next.length
    for (const key of next) void this.#lookAt(key)
  }

  async #lookAt(key: string): Promise<void> {
    try {
      const value = await this.#options.look(key)
      this.#known.delete(key)
      this.#known.set(key, { value, at: Date.now() })
      for (const oldest of [...this.#known.keys()].slice(0, -most)) this.#known.delete(oldest)
    } catch (cause) {
      this.#options.log.warn({ err: cause, key }, 'what was asked for could not be looked up')
    } finally {
      this.#waiting.delete(key)
      this.#running--
      this.#goOn()
    }
  }
}
