import type { Minute, FigureEntry } from '../model/figures.ts'
import type { MinuteSpan } from './figure-reader.ts'
import { condensedStep, hoursKept } from './figure-files.ts'
import { Tally, type Figures } from './tally.ts'

/** The periods that can be asked for: minutes in all, and of one point. */
export const periods = {
  hour: { minutes: 60, step: 1 },
  day: { minutes: 1440, step: 10 },
  week: { minutes: 10_080, step: condensedStep },
} as const

export type Period = keyof typeof periods

/** `step`: minutes of one point. */
type ReportSpan = MinuteSpan & { step: number }

export type Report = {
  from: Minute
  /** The first minute after it. */
  end: Minute
  totals: Figures
  points: (Figures & { minute: Minute })[]
}

/**
 * The period that ends with the minute `last`; its points begin at multiples of their step, which
 * is that of what is kept of it at the minute `now`.
 */
export function spanOf(period: Period, last: Minute, now = last): ReportSpan {
  const { minutes, step: usual } = periods[period]
  const isOld = Math.floor((last - minutes) / 60) < Math.floor(now / 60) - hoursKept.byMinute
  const step = isOld ? Math.max(usual, condensedStep) : usual
  const end = (Math.floor(last / step) + 1) * step
  return { from: end - minutes, to: end - 1, step }
}

/** Adds up what lies in the period, as a whole and point by point. */
export function makeReport(entries: FigureEntry[], { from, to, step }: ReportSpan): Report {
  const points = Array.from({ length: (to + 1 - from) / step }, () => new Tally())
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
