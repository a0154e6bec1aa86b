import { type RequestFigures, type Minute, minuteOf, type RequestTotals } from '../model/figures.ts'
import type { FigureWriter } from '../metrics/figure-writer.ts'
import { RequestTally, type EndedRequest } from '../metrics/request-tally.ts'
import { addRequests } from '../metrics/totals.ts'
import type { AppId } from '../model/ids.ts'

/**
 * Counts the requests of each app. A request costs one look-up and a few additions; once a minute
 * what came together is written to the app's figures, in the background and whether anybody reads
 * them or not.
 */
export class Measurements {
  readonly #writer: Pick<FigureWriter, 'write'>
  /** Up to the minute in progress. */
  readonly #totals = new Map<AppId, RequestTotals>()
  #minute: Minute = minuteOf(Date.now())
  #tallies = new Map<AppId, RequestTally>()
  #timer: NodeJS.Timeout | undefined

  constructor(writer: Pick<FigureWriter, 'write'>) {
    this.#writer = writer
    this.#waitForMinute()
  }

  record(request: EndedRequest & { appId: AppId }): void {
    let tally = this.#tallies.get(request.appId)
    if (tally === undefined) this.#tallies.set(request.appId, (tally = new RequestTally()))
    tally.record(request)
  }

  /** The app's requests in the minute in progress; null without any. */
  minute(appId: AppId): { minute: Minute; requests: RequestFigures } | null {
    const requests = this.#tallies.get(appId)?.figures()
    return requests === undefined ? null : { minute: this.#minute, requests }
  }

  /** Totals of all apps since the router started. */
  totals(): Record<string, RequestTotals> {
    const totals = new Map(this.#totals)
    for (const [appId, tally] of this.#tallies) totals.set(appId, addRequests(totals.get(appId), tally.figures()))
    return Object.fromEntries(totals)
  }

  /** An app that is gone is not counted on. */
  forget(appId: AppId): void {
    this.#totals.delete(appId)
    this.#tallies.delete(appId)
  }

  /** Writes what there is. Nothing may be recorded any more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#endMinute()
  }

  #waitForMinute(): void {
    this.#timer = setTimeout(
      () => {
        this.#endMinute()
        this.#waitForMinute()
      },
      60_000 - (Date.now() % 60_000),
    ).unref()
  }

  #endMinute(): void {
    const [minute, tallies] = [this.#minute, this.#tallies]
    this.#minute = minuteOf(Date.now())
    this.#tallies = new Map()
    for (const [appId, tally] of tallies) {
      const requests = tally.figures()
      this.#totals.set(appId, addRequests(this.#totals.get(appId), requests))
      this.#writer.write(appId, { minute, requests })
    }
  }
}
