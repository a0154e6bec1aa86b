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
  if (before === undefined) {
    const { statuses, codes, bytes } = figures
    return { statuses, codes, bytes, durations }
  }
  return {
    statuses: addLists(before.statuses, figures.statuses),
    codes: addCounts(before.codes, figures.codes),
    bytes: before.bytes + figures.bytes,
    durations: addDurations(before.durations, durations),
  }
}

function addDurations(a: Durations, b: Durations): Durations {
  return { sum: a.sum + b.sum, count: a.count + b.count, below: addLists(a.below, b.below) }
}

function addLists(a: number[], b: number[]): number[] {
  return a.map((value, i) => value + b[i]!)
}

function addCounts(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sums = { ...a }
  for (const [key, count] of Object.entries(b)) sums[key] = (sums[key] ?? 0) + count
  return sums
}
