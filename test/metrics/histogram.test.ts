import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { Histogram, isStoredHistogram, quantileError } from '../../src/metrics/histogram.ts'
import { durationBounds } from '../../src/metrics/totals.ts'

const durations = fc.array(fc.double({ min: 0.125, max: 2 ** 20, noNaN: true }), { minLength: 1, maxLength: 200 })

function histogramOf(values: number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

describe('a histogram', () => {
  it('gives every quantile within the error it states, less than 5 %', () => {
    expect(quantileError).toBeLessThan(0.05)
    fc.assert(
      fc.property(durations, fc.constantFrom(0, 0.5, 0.95, 0.99, 1), (values, q) => {
        const exact = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * q) - 1)]!
        const given = histogramOf(values).quantile(q)!
        expect(Math.max(given / exact, exact / given) - 1).toBeLessThanOrEqual(quantileError + 1e-9)
      }),
    )
  })

  it('adds up over its stored form as if all had been recorded in one', () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const sum = histogramOf(a)
        sum.add(JSON.parse(JSON.stringify(histogramOf(b).store())) as ReturnType<Histogram['store']>)
        const both = histogramOf([...a, ...b])
        expect(sum.store().buckets).toEqual(both.store().buckets)
        expect(Math.abs(sum.sum - both.sum)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('counts exactly below the bounds that are told to Prometheus', () => {
    const values = durationBounds.flatMap((bound) => [bound * 0.999, bound, bound * 1.001])
    const histogram = histogramOf(values)
    for (const bound of durationBounds) {
      expect(histogram.countBelow(bound)).toBe(values.filter((value) => value < bound).length)
    }
  })

  it('keeps what is out of its range in its outermost buckets', () => {
    const histogram = histogramOf([0, 0.0001, 2 ** 30])
    expect(histogram.count).toBe(3)
    expect(histogram.quantile(0.5)).toBeLessThan(0.14)
    expect(new Histogram().quantile(0.5)).toBeNull()
  })

  it('takes back only what it can have stored', () => {
    const wrong = [null, {}, { sum: -1, buckets: [] }, { sum: 1, buckets: [[184, 1]] }, { sum: 1, buckets: [[1, -1]] }]
    expect(wrong.map(isStoredHistogram)).toEqual(wrong.map(() => false))
    expect(isStoredHistogram(histogramOf([1, 2, 1e9, 0]).store())).toBe(true)
  })
})
