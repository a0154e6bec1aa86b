import type { RequestFigures, DynoFigures, Minute, FigureEntry } from '../model/figures.ts'
import { Histogram } from './histogram.ts'

/** The periods that can be asked for: minutes in all, and of one point. */
export const periods = { hour: { minutes: 60, step: 1 }, day: { minutes: 1440, step: 10 } } as const

export type Period = keyof typeof periods

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

export type Report = {
  from: Minute
  /** The first minute after it. */
  end: Minute
  totals: Figures
  points: (Figures & { minute: Minute })[]
}

/** The period that ends with the minute `now`; its points begin at multiples of their step. */
export function spanOf(period: Period, now: Minute): { from: Minute; to: Minute } {
  const { minutes, step } = periods[period]
  const end = (Math.floor(now / step) + 1) * step
  return { from: end - minutes, to: end - 1 }
}

/** Adds up what lies in the period, as a whole and point by point. */
export function makeReport(entries: FigureEntry[], period: Period, now: Minute): Report {
  const { from, to } = spanOf(period, now)
  const { minutes, step } = periods[period]
  const points = Array.from({ length: minutes / step }, () => new Tally())
  const total = new Tally()
  for (const entry of entries.filter(({ minute }) => minute >= from && minute <= to)) {
    total.add(entry)
    points[Math.floor((entry.minute - from) / step)]!.add(entry)
  }
  return {
    from,
    end: to + 1,
    totals: total.figures(),
    points: points.map((point, i) => ({ minute: from + i * step, ...point.figures() })),
  }
}

class Tally {
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
