import type { RequestFigures, DynoFigures, FigureEntry } from '../model/figures.ts'
import { Histogram } from './histogram.ts'

export type Figures = {
  requests: number
  /** Answers with 5xx, the router's own among them. */
  errors: number
  /** `[1xx, 2xx, 3xx, 4xx, 5xx]` */
  statuses: number[]
  codes: Record<string, number>
  bytes: number
  /** Milliseconds; null without requests that reached a dyno. */
  latency: { p50: number; p95: number; p99: number; mean: number } | null
  /** Memory is the most, CPU the mean of the looks; null when nothing ran, or nobody looked. */
  dynos: DynoFigures | null
}

/** Adds up entries of any minutes. */
export class Tally {
  readonly #statuses = [0, 0, 0, 0, 0]
  readonly #codes: Record<string, number> = {}
  #bytes = 0
  readonly #latency = new Histogram()
  readonly #looks: DynoFigures[] = []

  add(entry: FigureEntry): void {
    if ('dynos' in entry) this.#looks.push(entry.dynos)
    else this.#addRequests(entry.requests)
  }

  #addRequests({ statuses, codes, bytes, latency }: RequestFigures): void {
    for (const [i, count] of statuses.entries()) this.#statuses[i]! += count
    for (const [code, count] of Object.entries(codes)) this.#codes[code] = (this.#codes[code] ?? 0) + count
    this.#bytes += bytes
    this.#latency.add(latency)
  }

  /** As one entry could have it; undefined where there was nothing. */
  store(): { requests: RequestFigures | undefined; dynos: DynoFigures | undefined } {
    const { requests, statuses, codes, bytes, dynos } = this.figures()
    return {
      requests: requests > 0 ? { statuses, codes, bytes, latency: this.#latency.store() } : undefined,
      dynos: dynos ?? undefined,
    }
  }

  figures(): Figures {
    return {
      requests: this.#statuses.reduce((sum, count) => sum + count, 0),
      errors: this.#statuses[4]!,
      statuses: this.#statuses,
      codes: this.#codes,
      bytes: this.#bytes,
      latency: latencyOf(this.#latency),
      dynos: summarize(this.#looks),
    }
  }
}

function latencyOf(histogram: Histogram): Figures['latency'] {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => histogram.quantile(q))
  if (p50 == null || p95 == null || p99 == null) return null
  return { p50, p95, p99, mean: histogram.sum / histogram.count }
}

function summarize(looks: DynoFigures[]): DynoFigures | null {
  if (looks.length === 0) return null
  const cpu = looks.map((look) => look.cpu).filter((cores) => cores !== null)
  return {
    count: Math.max(...looks.map(({ count }) => count)),
    memory: Math.max(...looks.map(({ memory }) => memory)),
    largest: Math.max(...looks.map(({ largest }) => largest)),
    cpu: cpu.length === 0 ? null : cpu.reduce((sum, cores) => sum + cores, 0) / cpu.length,
  }
}
