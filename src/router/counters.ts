import type { RouterCode } from './router-error.ts'

/**
 * What became of a connection to a data door. `refused`: it is in none of its networks, or there
 * is no room; `failed`: it came to no TLS; `unreachable`: the service did not take it.
 */
export type DoorResult = 'served' | 'refused' | 'failed' | 'unreachable'

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
  /** Connections to the TLS port that came to no TLS, and were told nothing. */
  failedHandshakes = 0
  readonly doors: Record<DoorResult, number> = { served: 0, refused: 0, failed: 0, unreachable: 0 }
  readonly #errors: Partial<Record<RouterCode, number>> = {}

  error(code: RouterCode): void {
    this.#errors[code] = (this.#errors[code] ?? 0) + 1
  }

  toJSON() {
    const { connections, turnedAway, requests, refusedRequests, cutOff, failedHandshakes } = this
    const doors = { ...this.doors }
    const errors = { ...this.#errors }
    return { connections, turnedAway, requests, refusedRequests, cutOff, failedHandshakes, doors, errors }
  }
}
