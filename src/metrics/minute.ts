import { isAmount, isStoredHistogram, type StoredHistogram } from './histogram.ts'

/** What one app was asked in a minute, or in a part of it: those of several writers add up. */
export type RequestFigures = {
  /** Answers by the first digit of their status: `[1xx, 2xx, 3xx, 4xx, 5xx]`. */
  statuses: number[]
  /** The router's codes: `{"H12": 3}`. */
  codes: Record<string, number>
  /** Bytes of response bodies. */
  bytes: number
  /** Of the requests that reached a dyno and were no WebSockets, to the end of the response. */
  latency: StoredHistogram
}

/** What the running dynos of one app use, all together, at one moment. */
export type DynoFigures = {
  count: number
  /** Bytes, without the page cache that the kernel can take back. */
  memory: number
  /** Bytes, of the one that uses most. */
  largest: number
  /** Cores, on average since the look before; null at the first look. */
  cpu: number | null
}

/** Minutes since 1970. */
export type Minute = number

/** One line of an app's figures. */
export type Entry = { minute: Minute; requests: RequestFigures } | { minute: Minute; dynos: DynoFigures }

export function minuteOf(milliseconds: number): Minute {
  return Math.floor(milliseconds / 60_000)
}

/** @returns undefined for what is no line of ours */
export function parseEntry(line: string): Entry | undefined {
  const value = parse(line)
  const { minute, requests, dynos } = (value ?? {}) as Record<string, unknown>
  if (!isAmount(minute)) return undefined
  if (isRequestFigures(requests)) return { minute, requests }
  return isDynoFigures(dynos) ? { minute, dynos } : undefined
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // torn by a power cut, or not ours: the caller leaves it out
  }
}

function isRequestFigures(value: unknown): value is RequestFigures {
  const { statuses, codes, bytes, latency } = (value ?? {}) as Partial<RequestFigures>
  if (!Array.isArray(statuses) || statuses.length !== 5 || !statuses.every(isAmount)) return false
  if (typeof codes !== 'object' || codes === null || Array.isArray(codes)) return false
  const known = Object.entries(codes).every(([code, count]) => /^H\d\d$/.test(code) && isAmount(count))
  return known && isAmount(bytes) && isStoredHistogram(latency)
}

function isDynoFigures(value: unknown): value is DynoFigures {
  const { count, memory, largest, cpu } = (value ?? {}) as Partial<DynoFigures>
  return [count, memory, largest].every(isAmount) && (cpu === null || isAmount(cpu))
}
