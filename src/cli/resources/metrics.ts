/** Figures of apps and add-ons, which Heroku does not have: the fields that the command reads. */

/** Milliseconds, bytes and cores. Ours: Heroku's API has none of this. */
export type FiguresJson = {
  requests: number
  errors: number
  codes: Record<string, number>
  latency: { p50: number; p95: number; p99: number } | null
  dynos: { memory: number; cpu: number | null } | null
}

export type MetricsJson = {
  app: { name: string }
  period: string
  /** Seconds of one point. */
  resolution: number
  totals: FiguresJson
  points: (FiguresJson & { at: string })[]
  addons: AddonUseJson[]
}

type UsedJson = { used: number | null; most: number | null }

export type AddonUseJson = {
  name: string
  /** Bytes. */
  memory: UsedJson
  disk: UsedJson
  connections: UsedJson
  read_only: boolean
  since: string | null
}
