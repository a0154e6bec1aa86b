import type { RequestFigures, Durations, RequestTotals } from '../model/figures.ts'
import { Histogram } from './histogram.ts'

/**
 * Upper bounds of durations in milliseconds: powers of 2, which the finer histogram counts exactly.
 */
export const durationBounds = Array.from({ length: 16 }, (_, i) => 2 ** i)

export function durationsOf(histogram: Histogram, bounds = durationBounds): Durations {
  const { sum, count } = histogram
  return { sum, count, below: bounds.map((bound) => histogram.countBelow(bound)) }
}

/** @param before undefined: there were none */
export function addRequests(before: RequestTotals | undefined, figures: RequestFigures): RequestTotals {
  const latency = new Histogram()
  latency.add(figures.latency)
  const durations = durationsOf(latency)
  const { statuses, codes, bytes } = figures
  const own = { statuses, codes, bytes, durations }
  return before === undefined ? own : addTotals(before, own)
}

/** Of two writers. */
export function addTotals(a: RequestTotals, b: RequestTotals): RequestTotals {
  return {
    statuses: addLists(a.statuses, b.statuses),
    codes: addCounts(a.codes, b.codes),
    bytes: a.bytes + b.bytes,
    durations: addDurations(a.durations, b.durations),
  }
}

/** Of two writers in the same minute. */
export function addFigures(a: RequestFigures, b: RequestFigures): RequestFigures {
  const latency = new Histogram()
  for (const each of [a, b]) latency.add(each.latency)
  return {
    statuses: addLists(a.statuses, b.statuses),
    codes: addCounts(a.codes, b.codes),
    bytes: a.bytes + b.bytes,
    latency: latency.store(),
  }
}

export function addDurations(a: Durations, b: Durations): Durations {
  return { sum: a.sum + b.sum, count: a.count + b.count, below: addLists(a.below, b.below) }
}

function addLists(a: number[], b: number[]): number[] {
  return a.map((value, i) => value + b[i]!)
}

export function addCounts(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sums = { ...a }
  for (const [key, count] of Object.entries(b)) sums[key] = (sums[key] ?? 0) + count
  return sums
}
