import type { StoredHistogram } from '../model/figures.ts'

/** Buckets per doubling: the bounds of one differ by 2^(1/8), about 9 %. */
const perDoubling = 8
/**
 * Milliseconds: all below the first go into the lowest bucket, all above the last into the highest.
 */
const lowest = 2 ** -3
const highest = 2 ** 20
const size = Math.log2(highest / lowest) * perDoubling
const offset = -Math.log2(lowest) * perDoubling

/** Largest relative error of a quantile between 0.125 ms and 17 minutes: half a bucket. */
export const quantileError = 2 ** (1 / (2 * perDoubling)) - 1

/**
 * Counts durations by their logarithm. Those of several minutes, or processes, add up without any
 * loss.
 */
export class Histogram {
  sum = 0
  /** Made with the first value: of a week's points many have none. */
  #counts: Float64Array | undefined

  /** @param milliseconds 0 or more */
  record(milliseconds: number): void {
    const index = Math.floor(Math.log2(milliseconds) * perDoubling) + offset
    this.sum += milliseconds
    this.#filled()[index < 0 ? 0 : index >= size ? size - 1 : index]!++
  }

  add({ sum, buckets }: StoredHistogram): void {
    this.sum += sum
    if (buckets.length === 0) return
    const counts = this.#filled()
    for (const [index, count] of buckets) counts[index]! += count
  }

  get count(): number {
    return this.#counts?.reduce((sum, count) => sum + count, 0) ?? 0
  }

  /** How many values are below `milliseconds`: exact when that is a power of 2 within the range. */
  countBelow(milliseconds: number): number {
    const end = Math.ceil(Math.log2(milliseconds) * perDoubling) + offset
    return this.#counts?.subarray(0, Math.max(0, end)).reduce((sum, count) => sum + count, 0) ?? 0
  }

  /**
   * The value in milliseconds that a share `q` (0 to 1) of all is not above, within
   * `quantileError`.
   * @returns null when nothing was recorded
   */
  quantile(q: number): number | null {
    if (!this.#counts) return null
    const rank = Math.max(1, Math.ceil(this.count * q))
    let seen = 0
    for (let index = 0; index < size; index++) {
      seen += this.#counts[index]!
      if (seen >= rank) return 2 ** ((index - offset + 0.5) / perDoubling)
    }
    return null
  }

  store(): StoredHistogram {
    const buckets = [...(this.#counts?.entries() ?? [])].filter(([, count]) => count > 0)
    return { sum: Math.round(this.sum), buckets }
  }

  #filled(): Float64Array {
    return (this.#counts ??= new Float64Array(size))
  }
}

/** Whether it can be added: read from a file, it may be anything. */
export function isStoredHistogram(value: unknown): value is StoredHistogram {
  const { sum, buckets } = (value ?? {}) as Partial<StoredHistogram>
  return isAmount(sum) && Array.isArray(buckets) && buckets.every(isBucket)
}

function isBucket(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [index, count] = value as [unknown, unknown]
  return Number.isInteger(index) && Number(index) >= 0 && Number(index) < size && isAmount(count)
}

export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
