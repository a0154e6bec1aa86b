/** So many of what failed are described. */
const mostDescribed = 30

/** What was done, and what should have been and was not. */
export class Tally {
  readonly done = new Map<string, number>()
  /** What was cut by a kill that the soak itself did, or because the machine held the soak itself up. */
  readonly excused = new Map<string, number>()
  readonly failed = new Map<string, number>()
  /** The first ones, each in a line. */
  readonly failures: string[] = []
  readonly #begin = performance.now()
  #excusedUntil = 0

  did(kind: string): void {
    increase(this.done, kind)
  }

  /** It was not accepted, or cut: for the seconds that are excused that is no failure. */
  cut(kind: string, reason: string): void {
    if (performance.now() < this.#excusedUntil) increase(this.excused, kind)
    else this.lost(kind, reason)
  }

  /** It was accepted, and then was not so. */
  lost(kind: string, reason: string): void {
    increase(this.failed, kind)
    const minutes = ((performance.now() - this.#begin) / 60_000).toFixed(1)
    if (this.failures.length === mostDescribed) return
    const failure = `minute ${minutes}, ${kind}: ${reason}`
    this.failures.push(failure)
    process.stderr.write(`${failure}\n`)
  }

  excuse(milliseconds: number): void {
    this.#excusedUntil = performance.now() + milliseconds
  }
}

function increase(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

/** Log lines that have to come, told apart by who writes them. The line may come before it is known that it has to. */
export class ExpectedLines {
  readonly #missing = new Set<string>()
  readonly #early = new Set<string>()

  expect(line: string): void {
    if (!this.#early.delete(line)) this.#missing.add(line)
  }

  saw(line: string): void {
    if (!this.#missing.delete(line)) this.#early.add(line)
  }

  get missing(): string[] {
    return [...this.#missing]
  }
}
