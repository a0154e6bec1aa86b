import { setTimeout as delay } from 'node:timers/promises'

/**
 * Who is reading the output of which dyno, so that no dyno is removed, and its output with it,
 * before it was read.
 */
export class OutputReaders {
  readonly #reading = new Map<string, Set<Promise<void>>>()

  /** The reading lasts until disposal. */
  begin(id: string): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>()
    const readings = this.#reading.get(id) ?? new Set()
    this.#reading.set(id, readings.add(promise))
    return {
      [Symbol.dispose]: () => {
        readings.delete(promise)
        if (readings.size === 0) this.#reading.delete(id)
        resolve()
      },
    }
  }

  /** Resolves when nobody reads the dyno's output any more, and after `limitMs` anyway. */
  async ended(id: string, limitMs: number): Promise<void> {
    const readings = this.#reading.get(id)
    if (!readings) return
    const limit = new AbortController()
    const late = delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)
    await Promise.race([Promise.all(readings), late])
    limit.abort()
  }
}
