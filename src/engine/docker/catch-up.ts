import { setTimeout as delay } from 'node:timers/promises'
import type { OutputLine } from '../engine.ts'
import type { KeptOutput } from './kept-output.ts'
import type { Place } from './place.ts'

/** With fewer new lines than this in a reading, the log is followed from then on. */
const fewLines = 200

/** Milliseconds from one reading of a busy dyno's log to the next. */
const interval = 200

/** To find more messages than this, the whole log is read, not its end. */
const longestTail = 200_000

/**
 * Returns lines until there are few that are new, reading after reading. `onLoss` is called before
 * the line that others are missing before.
 */
export async function* catchUp(log: KeptOutput, place: Place, onLoss: OnLoss): AsyncGenerator<OutputLine> {
  for (let before = 0; ;) {
    const begun = performance.now()
    // A burst is soon over: reading from further back costs less than reading all of it again.
    const count = yield* readOn(log, place, { expected: before / 4, atEnd: false, onLoss })
    if (log.isGone && before >= fewLines) onLoss(place.time)
    if (log.isGone || count < fewLines) return
    before = count
    await delay(Math.max(0, begun + interval - performance.now()))
  }
}

type OnLoss = (since: Date) => void

type Options = {
  /** A guess of how many lines are new; the mark is looked for further back when it was too low. */
  expected: number
  /** True when the log has ended. */
  atEnd: boolean
  onLoss: OnLoss
}

/**
 * Returns what is new in the log as it is now, what a following left out too; returns how many
 * lines that was.
 */
export async function* readOn(
  log: KeptOutput,
  place: Place,
  { expected, atEnd, onLoss }: Options,
): AsyncGenerator<OutputLine, number> {
  for (let tail = place.tail + Math.ceil(expected); ; tail *= 6) {
    const whole = place.isAtStart || tail > longestTail
    let [read, count] = [0, 0]
    place.begin({ whole })
    for await (const line of log.lines({ tail: whole ? 'all' : tail, follow: false, atEnd })) {
      if (whole && read++ === 0 && place.isBefore(line)) loseMark(place, onLoss)
      if (!place.isNew(line)) continue
      count++
      yield line
    }
    if (place.isFound || log.isGone) {
      place.settle()
      return count
    }
    if (whole) loseMark(place, onLoss)
  }
}

function loseMark(place: Place, onLoss: OnLoss): void {
  onLoss(place.time)
  place.giveUp()
}
