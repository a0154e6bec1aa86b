import type { RouterCode } from './router-error.ts'

/** What happened since the router started. */
export class Counters {
  connections = 0
  /** Turned away at the connection limits. */
  turnedAway = 0
  requests = 0
  /** Answered with 4xx or 5xx by the router because they could not be read, or must not be. */
  refusedRequests = 0
  /** Connections of HTTP/2 that were ended: they brought too much of no use, or broke its rules. */
  cutOff = 0
  readonly #errors: Partial<Record<RouterCode, number>> = {}

  error(code: RouterCode): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  toJSON() {
    const { connections, turnedAway, requests, refusedRequests, cutOff } = this
    return { connections, turnedAway, requests, refusedRequests, cutOff, errors: { ...this.#errors } }
  }
}
