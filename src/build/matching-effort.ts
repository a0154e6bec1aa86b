import { PaasError } from '../errors.ts'

/**
 * Steps that the patterns of one file may take with all names of a tree: some seconds. A hundred
 * patterns and 10,000 files take 5 million.
 */
const mostSteps = 200_000_000

/**
 * Holds the patterns that a stranger wrote to a number of steps, however many there are of them and
 * of the names they are matched with.
 */
export class MatchingEffort {
  readonly #file: string
  #left: number

  constructor(file: string, most = mostSteps) {
    this.#file = file
    this.#left = most
  }

  /** @throws source_invalid */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left >= 0) return
    throw new PaasError(
      'source_invalid',
      `The patterns of ${this.#file} take too long to match against the app's files.`,
      {
        hint: 'Write fewer patterns, and fewer asterisks.',
      },
    )
  }
}
