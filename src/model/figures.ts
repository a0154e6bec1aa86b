import type { AddonUse } from './addon-figures.ts'

/** The buckets that are not empty: `[index, count]`, ascending, and the sum of all values. */
export type StoredHistogram = { sum: number; buckets: [number, number][] }

/** What one app was asked in a minute, or in a part of it: those of several writers add up. */
export type RequestFigures = {
  /** Answers by the first digit of their status: `[1xx, 2xx, 3xx, 4xx, 5xx]`. */
  statuses: number[]
  /** The router's codes: `{"H12": 3}`. */
  codes: Record<string, number>
  /** Bytes of response bodies. */
  bytes: number
  /** Times until the end of the response, for requests that reached a dyno, without WebSockets. */
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
export type FigureEntry = { minute: Minute; requests: RequestFigures } | { minute: Minute; dynos: DynoFigures }

export function minuteOf(milliseconds: number): Minute {
  return Math.floor(milliseconds / 60_000)
}

/** `sum` in milliseconds; `below[i]`: how many were below the i-th of their bounds. */
export type Durations = { sum: number; count: number; below: number[] }

/** What an app was asked since the router started. */
export type RequestTotals = {
  statuses: number[]
  codes: Record<string, number>
  bytes: number
  durations: Durations
}

/** What one process of the server uses, since it started. */
export type RoleFigures = {
  /** Bytes resident, shared pages included. */
  memory: number
  cpuSeconds: number
  /** How late timers came. */
  lag: Durations
}

/** The dynos of one app at the last look. `figures` are of those that ran. */
export type StateCounts = { states: Record<string, number>; figures: DynoFigures | undefined }

/** What the worker tells, since it started. */
export type WorkerFigures = {
  process: RoleFigures
  /** Keyed by app id. */
  apps: Record<string, StateCounts>
  /** Keyed by add-on id. */
  addons: Record<string, Omit<AddonUse, 'since'> & { since: string | null }>
  /** Keyed by verdict. */
  builds: Record<string, number>
  /** Milliseconds, by phase. */
  phases: Record<string, StoredHistogram>
  /** Lines of app metrics that could not be written. */
  dropped: number
}
