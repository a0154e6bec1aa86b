import type { RequestFigures } from '../model/figures.ts'
import { Histogram } from './histogram.ts'

/** A request that has ended, as the router knows it. */
export type EndedRequest = {
  status: number
  /** The router's, if it has something to say. */
  code: string | undefined
  bytes: number
  /** Milliseconds; undefined when it reached no dyno. */
  times: { connect: number; service: number } | undefined
}

/** Adds up requests as they end. */
export class RequestTally {
  readonly #statuses = [0, 0, 0, 0, 0]
  readonly #codes: Record<string, number> = {}
  #bytes = 0
  readonly #latency = new Histogram()

  record({ status, code, bytes, times }: EndedRequest): void {
    this.#statuses[Math.floor(status / 100) - 1]!++
    this.#bytes += bytes
    if (code !== undefined) this.#codes[code] = (this.#codes[code] ?? 0) + 1
    // How long a WebSocket stays open says nothing about the app's response time.
    if (times !== undefined && status !== 101) this.#latency.record(times.connect + times.service)
  }

  figures(): RequestFigures {
    return {
      statuses: [...this.#statuses],
      codes: { ...this.#codes },
      bytes: this.#bytes,
      latency: this.#latency.store(),
    }
  }
}
