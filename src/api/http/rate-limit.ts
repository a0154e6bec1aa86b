import type { FastifyReply, FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Api } from '../deps.ts'
import { isPagesLook } from './inside.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True for a route that does not count. */
    free?: boolean
  }
}

/** The requests that are left, and when they were counted (monotonic milliseconds). */
type Budget = { left: number; at: number }

/**
 * An account makes as many tokens as it likes; all of them together may ask so many times as often
 * as one.
 */
const tokensWorth = 4
/** Budgets kept at most; those unused for longest go first, so that memory is bounded. */
const mostBudgets = 20_000

/**
 * Heroku's limit: each token has a budget that fills again by the minute, up to an hour's worth.
 * `perHour` undefined: no limit. `now` is monotonic milliseconds.
 */
export class RateLimit {
  readonly #perHour: number
  readonly #now: () => number
  readonly #budgets = new Map<string, Budget>()

  constructor(perHour: number | undefined, now: () => number = () => performance.now()) {
    this.#perHour = perHour ?? Infinity
    this.#now = now
  }

  /** Requests left, rounded down. `cost` are taken, or none when there are fewer. */
  spend({ identity: { token, account } }: Pick<FastifyRequest, 'identity'>, cost: 0 | 1): number {
    if (this.#perHour === Infinity) return Number.MAX_SAFE_INTEGER
    const budgets = [
      this.#budget(`token ${token?.id}`, this.#perHour),
      this.#budget(`account ${account.id}`, this.#perHour * tokensWorth),
    ]
    const left = Math.min(...budgets.map((budget) => budget.left))
    if (left < cost) return -1
    for (const budget of budgets) budget.left -= cost
    return Math.floor(left - cost)
  }

  /** Seconds in which one more request comes to a budget. */
  get secondsPerRequest(): number {
    return Math.ceil(3600 / this.#perHour)
  }

  #budget(key: string, most: number): Budget {
    const now = this.#now()
    const { left, at } = this.#budgets.get(key) ?? { left: most, at: now }
    const filled = { left: Math.min(most, left + ((now - at) * most) / 3_600_000), at: now }
    this.#budgets.delete(key)
    this.#budgets.set(key, filled)
    const [oldest] = this.#budgets.keys()
    if (this.#budgets.size > mostBudgets && oldest !== undefined) this.#budgets.delete(oldest)
    return filled
  }
}

/**
 * Counts a request whose token is known, and says in `RateLimit-Remaining` what is left.
 * @throws rate_limit
 */
export function countRequest(limit: RateLimit, request: FastifyRequest, reply: FastifyReply): void {
  if (request.identity.token === null) return
  const left = limit.spend(request, request.routeOptions.config.free || isPagesLook(request) ? 0 : 1)
  reply.header('RateLimit-Remaining', String(Math.max(0, left)))
  if (left >= 0) return
  throw new PaasError('rate_limit', 'The API request limit is reached; it is refilled every minute.', {
    hint: `Wait, and send fewer requests. The next one is possible in ${limit.secondsPerRequest} s.`,
    retryAfter: limit.secondsPerRequest,
  })
}

export function rateLimitRoutes(api: Api, { limit }: { limit: RateLimit }): void {
  api.get('/account/rate-limits', { config: { scope: 'identity', free: true } }, (request) => ({
    remaining: Math.max(0, limit.spend(request, 0)),
  }))
}
