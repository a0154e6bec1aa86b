import type { ReadLine } from '../model/app-log.ts'

/** Characters that may wait: of one drain, and of all drains of a process. */
export type BufferLimits = { own: number; shared: { size: number; limit: number } }

/** The lines that wait for one drain. When there are too many the oldest go. */
export class DrainBuffer {
  readonly #limits: BufferLimits
  readonly #dropped: (count: number) => void
  #lines: ReadLine[] = []
  #first = 0
  #size = 0
  #closed = false
  #wake: () => void = () => undefined
  #makeRoom: () => void = () => undefined

  /** @param dropped is told of each line that goes undelivered */
  constructor(limits: BufferLimits, dropped: (count: number) => void) {
    this.#limits = limits
    this.#dropped = dropped
  }

  push(line: ReadLine): void {
    let count = 0
    for (; this.isFull && this.#size > 0; count++) this.#shift()
    this.#lines.push(line)
    this.#count(sizeOf(line))
    if (count > 0) this.#dropped(count)
    this.#wake()
  }

  /** Whether another line would make one go. */
  get isFull(): boolean {
    const { own, shared } = this.#limits
    return this.#size >= own || shared.size >= shared.limit
  }

  /** Resolves when lines were taken, or after `patience` milliseconds. */
  async room(patience: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, patience)
    this.#makeRoom = resolve
    await promise
    clearTimeout(timer)
  }

  /** Whether there is as much as a batch takes. */
  isLargerThan(size: number): boolean {
    return this.#size >= size
  }

  /** Resolves when a line waits, or none will come any more: then with false. */
  async filled(): Promise<boolean> {
    while (this.#first === this.#lines.length && !this.#closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#first < this.#lines.length
  }

  /** The oldest lines, at least one if there is one, with not much more than `size` characters. */
  take({ count, size }: { count: number; size: number }): ReadLine[] {
    const taken: ReadLine[] = []
    const before = this.#size
    while (taken.length < count && before - this.#size < size) {
      const line = this.#shift()
      if (!line) break
      taken.push(line)
    }
    this.#makeRoom()
    return taken
  }

  /** Wakes the waiting readers; the rest may still be read. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** Returns back its share of what all may hold. */
  clear(): void {
    this.take({ count: Infinity, size: Infinity })
  }

  #shift(): ReadLine | undefined {
    const line = this.#lines[this.#first]
    if (!line) return undefined
    this.#first++
    this.#count(-sizeOf(line))
    // Removing the first element of a long array copies all the others.
    if (this.#first > 1024 && this.#first * 2 > this.#lines.length) {
      this.#lines = this.#lines.slice(this.#first)
      this.#first = 0
    }
    return line
  }

  #count(change: number): void {
    this.#size += change
    this.#limits.shared.size += change
  }
}

/** Roughly includes the memory of the object around the text. */
function sizeOf({ text }: ReadLine): number {
  return text.length + 100
}
