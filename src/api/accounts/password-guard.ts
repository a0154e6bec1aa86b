import { PaasError } from '../../errors.ts'
import { clientNetwork } from '../../model/client-network.ts'

/**
 * Wrong passwords within one window: of one account from one client, of any from one client, and
 * from all of an IPv6 site.
 */
const most = { pair: 10, client: 50, site: 500 }
/**
 * Wrong passwords of one account from clients that it never logged in from, before they go into the
 * slow lane: one each `every` ms.
 */
const slowLane = { after: 50, every: 10_000 }
const windowMs = 15 * 60_000
/** Passwords of such clients that are checked at once: each takes a processor for 0.2 s. */
const mostAtOnce = 16
/** Entries kept at most; the oldest go first, so that memory is bounded. */
const mostEntries = 20_000

type Count = { failures: number; until: number; next: number }
type Full = { key: string; most: number }

/**
 * Checks all passwords and limits guesses. No number of wrong guesses locks an account: a client
 * that logged in before is limited by its own guesses only, and unknown clients are checked one at
 * a time. `now` is monotonic milliseconds.
 */
export class PasswordGuard {
  readonly #counts = new Map<string, Count>()
  readonly #known = new Map<string, true>()
  readonly #now: () => number
  #strangers = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /**
   * Has a password checked, which counts as wrong until it is found right, so that guesses at the
   * same time count too.
   * @param client the address that asks
   * @param verify gives undefined for a wrong one
   * @throws rate_limit, before anything is checked
   */
  async check<T>(
    { client, email }: { client: string; email: string },
    verify: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    // RFC 5321 allows no longer email, and memory for failed logins must be bounded.
    const account = email.slice(0, 254).toLowerCase()
    const network = clientNetwork(client)
    const pair = `${account} ${network}`
    const isKnown = this.#known.has(pair)
    const places = [
      { key: pair, most: most.pair },
      { key: `client ${network}`, most: most.client },
      // An IPv4 address is a network of its own, so this limit is never reached first.
      { key: `site ${clientNetwork(client, 48)}`, most: most.site },
    ]
    for (const place of places) this.#check(place)
    if (!isKnown) this.#enterSlowLane(account)
    const counts = [...places.map(({ key }) => key), ...(isKnown ? [] : [`all ${account}`])].map((key) =>
      this.#count(key),
    )
    for (const count of counts) count.failures += 1
    if (!isKnown) this.#strangers += 1
    try {
      const right = await verify()
      if (right === undefined) return undefined
      for (const count of counts) count.failures -= 1
      keep(this.#known, pair, true)
      return right
    } finally {
      if (!isKnown) this.#strangers -= 1
    }
  }

  #check({ key, most: limit }: Full): void {
    const count = this.#counts.get(key)
    if (!count || count.until <= this.#now() || count.failures < limit) return
    const seconds = Math.ceil((count.until - this.#now()) / 1000)
    throw tooMany('Too many wrong passwords came from your network', seconds)
  }

  #enterSlowLane(account: string): void {
    if (this.#strangers >= mostAtOnce) throw tooMany('Too many passwords are being checked at once', 1)
    const count = this.#counts.get(`all ${account}`)
    if (!count || count.until <= this.#now() || count.failures < slowLane.after) return
    const seconds = Math.ceil((count.next - this.#now()) / 1000)
    if (seconds > 0) throw tooMany('There were too many wrong passwords for this account', seconds)
    count.next = this.#now() + slowLane.every
  }

  #count(key: string): Count {
    const known = this.#counts.get(key)
    if (known && known.until > this.#now()) return known
    const fresh = { failures: 0, until: this.#now() + windowMs, next: 0 }
    keep(this.#counts, key, fresh)
    return fresh
  }
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > mostEntries && oldest !== undefined) map.delete(oldest)
}

function tooMany(what: string, seconds: number): PaasError {
  const wait = seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`
  return new PaasError('rate_limit', `${what}; try again in ${wait}.`, {
    hint: 'Tokens keep working.',
    retryAfter: seconds,
  })
}
