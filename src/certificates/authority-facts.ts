import type { Authority, AuthorityFacts } from './acme/order.ts'
import { askFacts } from './acme/order-process.ts'

/** Milliseconds for which an answer holds, and for which nobody asks again after there was none. */
const life = { answer: 3_600_000, failure: 30_000 }

/**
 * What an authority says of itself. Asked before each order, it also tells that the authority is
 * there: while it is away, all names wait without a process for each.
 */
export class KnownAuthority {
  #known: { facts: Promise<AuthorityFacts>; until: number } | undefined

  /** @throws AuthorityError */
  facts(authority: Authority, signal: AbortSignal): Promise<AuthorityFacts> {
    if (this.#known !== undefined && performance.now() < this.#known.until) return this.#known.facts
    const facts = askFacts(authority, signal)
    const known = { facts, until: performance.now() + life.answer }
    facts.catch(() => (known.until = performance.now() + life.failure))
    this.#known = known
    return facts
  }
}
