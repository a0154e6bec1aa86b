import { minuteOf, type Minute } from '../../model/figures.ts'
import type { AppId } from '../../model/ids.ts'
import { Histogram } from '../../metrics/histogram.ts'
import { spanOf } from '../../metrics/report.ts'
import type { Measured } from '../deps.ts'

/** Requests of each of the last 60 minutes, oldest first, and what 95 % of them took at most. */
export type Traffic = { per_minute: number[]; p95: number | null }

/**
 * The last hour's traffic of apps, from their files. It is kept for the minute, and let go of in
 * the next: a list of all apps is looked at again with each change.
 */
export class RecentTraffic {
  readonly #measured: Pick<Measured, 'figures'>
  #minute: Minute = 0
  #known = new Map<AppId, Promise<Traffic>>()

  constructor(measured: Pick<Measured, 'figures'>) {
    this.#measured = measured
  }

  async of(appId: AppId): Promise<Traffic> {
    const now = minuteOf(Date.now())
    if (now !== this.#minute) {
      this.#known.clear()
      this.#minute = now
    }
    const traffic = this.#known.get(appId) ?? this.#read(appId, now)
    this.#known.set(appId, traffic)
    return traffic
  }

  async #read(appId: AppId, now: Minute): Promise<Traffic> {
    const { from, to } = spanOf('hour', now)
    const perMinute = Array.from({ length: to + 1 - from }, () => 0)
    const latency = new Histogram()
    for (const entry of await this.#measured.figures(appId, { from, to, only: 'requests' })) {
      if (!('requests' in entry)) continue
      const { statuses, latency: times } = entry.requests
      perMinute[entry.minute - from]! += statuses.reduce((sum, count) => sum + count, 0)
      latency.add(times)
    }
    const p95 = latency.quantile(0.95)
    return { per_minute: perMinute, p95: p95 === null ? null : Math.round(p95) }
  }
}
