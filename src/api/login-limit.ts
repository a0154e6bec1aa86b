import { PaasError } from '../errors.ts'

/** Failed logins within one window: for one account from one address, and from one address to any. */
const mostPerAccount = 10
const mostPerAddress = 50
const windowMs = 15 * 60_000
/** Entries kept at most; the oldest go first, so that memory is bounded whoever asks. */
const mostEntries = 20_000

type Count = { failures: number; until: number }

/**
 * Slows the guessing of passwords. Counted per account *and* address, so that a stranger cannot lock anybody out.
 * `now` is monotonic milliseconds.
 */
export class LoginLimit {
  readonly #counts = new Map<string, Count>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Counts as failed until told otherwise, so that attempts at the same time count too. @throws rate_limit */
  attempt(address: string, email: string): { succeeded(): void } {
    const keys: [string, number][] = [
      [`${address} ${email.toLowerCase()}`, mostPerAccount],
      [address, mostPerAddress],
    ]
    for (const [key, most] of keys) this.#check(key, most)
    for (const [key] of keys) this.#count(key).failures += 1
    return { succeeded: () => keys.forEach(([key]) => (this.#count(key).failures -= 1)) }
  }

  #check(key: string, most: number): void {
    const count = this.#counts.get(key)
    if (!count || count.until <= this.#now() || count.failures < most) return
    const minutes = Math.ceil((count.until - this.#now()) / 60_000)
    throw new PaasError('rate_limit', `Too many failed logins; try again in ${minutes} min.`)
  }

  #count(key: string): Count {
    const known = this.#counts.get(key)
    if (known && known.until > this.#now()) return known
    const fresh = { failures: 0, until: this.#now() + windowMs }
    this.#counts.delete(key)
    this.#counts.set(key, fresh)
    const [oldest] = this.#counts.keys()
    if (this.#counts.size > mostEntries && oldest !== undefined) this.#counts.delete(oldest)
    return fresh
  }
}
