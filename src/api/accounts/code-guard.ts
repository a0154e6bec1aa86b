import { PaasError } from '../../errors.ts'
import type { AccountId } from '../../model/ids.ts'

/** Wrong codes in a row that cost nothing, and then milliseconds to wait, which double. */
const free = 5
const firstWait = 30_000
const longestWait = 3_600_000
/** Entries kept at most; the oldest go first, so that memory is bounded. */
const mostEntries = 20_000

type Count = { failures: number; next: number }

/**
 * Limits guesses of second factors. Whoever guesses has the password already, so all clients count
 * together: with an hour between two guesses the chance of a hit is 1 in 14,000 a day. `now` is
 * monotonic milliseconds.
 */
export class CodeGuard {
  readonly #counts = new Map<AccountId, Count>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether the code is right. @throws rate_limit before anything is checked */
  check(account: AccountId, isRight: () => boolean): boolean {
    const count = this.#counts.get(account) ?? { failures: 0, next: 0 }
    const seconds = Math.ceil((count.next - this.#now()) / 1000)
    if (seconds > 0) throw tooMany(seconds)
    this.#counts.delete(account)
    if (isRight()) return true
    const failures = count.failures + 1
    const wait = failures < free ? 0 : Math.min(longestWait, firstWait * 2 ** (failures - free))
    this.#counts.set(account, { failures, next: this.#now() + wait })
    const [oldest] = this.#counts.keys()
    if (this.#counts.size > mostEntries && oldest !== undefined) this.#counts.delete(oldest)
    return false
  }

  /** Whoever knew the old password guesses no more. */
  forget(account: AccountId): void {
    this.#counts.delete(account)
  }
}

function tooMany(seconds: number): PaasError {
  const wait = seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`
  return new PaasError('rate_limit', `Too many wrong two-factor codes; try again in ${wait}.`, {
    hint: 'Tokens keep working. If somebody else guesses, they know your password: change it with paas password.',
    retryAfter: seconds,
  })
}
