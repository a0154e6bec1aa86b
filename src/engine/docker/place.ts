import type { OutputLine } from '../engine.ts'
import { fullMessage, stampOf } from './line-joiner.ts'

/** Messages of the engine's that are read before the first new one, to find the place again. */
const overlap = 100

/** After this many lines or bytes of following, the log is read as a whole. */
const mostFollowed = { lines: 1000, bytes: 4 * 2 ** 20 }

/** A difference in milliseconds above which the clock counts as having been set. */
const clockTolerance = 100

type Mark = { cursor: string; stream?: OutputLine['stream']; isLong: boolean }

/**
 * How far a dyno's log has been read: up to a line, the mark, which is found again by its cursor
 * and never by comparing times, since clocks are set back. Lines that were followed lie after it
 * until a whole reading has shown that they were all.
 */
export class Place {
  #mark: Mark | undefined
  #lostMark: Mark | undefined
  #last: Mark | undefined
  #settled: { clock: number; elapsed: number } | undefined
  #isFound = false
  #beganBefore = false
  readonly #followed = new Set<string>()
  #size = { bytes: 0, messages: 0 }

  /** @param since a cursor; absent: before the first line */
  constructor(since: string | undefined) {
    if (since !== undefined) this.#mark = { cursor: since, isLong: isPiece(since) }
  }

  get isAtStart(): boolean {
    return this.#mark === undefined
  }

  /** The time of the last line before which nothing is missing for certain. */
  get time(): Date {
    return new Date(this.#mark ? stampOf(this.#mark.cursor) : 0)
  }

  /** Whether the reading has come to the mark. */
  get isFound(): boolean {
    return this.#isFound
  }

  /** How many of the log's last messages are likely to hold the mark. */
  get tail(): number {
    return overlap + this.#size.messages
  }

  get isFull(): boolean {
    return this.#followed.size >= mostFollowed.lines || this.#size.bytes >= mostFollowed.bytes
  }

  /** A reading of the log, in its order, begins. @param whole it has all that the log has */
  begin({ whole }: { whole: boolean }): void {
    this.#isFound = this.isAtStart
    this.#beganBefore = whole
    this.#last = undefined
  }

  /**
   * Whether the first line of a whole reading shows that the mark is gone from the log; false when
   * only all of it could tell.
   */
  isBefore(first: OutputLine): boolean {
    if (this.#isFound || !this.#mark || !this.#settled) return false
    const passed = performance.now() - this.#settled.elapsed
    const clockWasSet = Math.abs(Date.now() - this.#settled.clock - passed) > clockTolerance
    return !clockWasSet && stampOf(first.cursor) > stampOf(this.#mark.cursor)
  }

  /** Whether the line, the next of the reading, is after the mark and has not been followed. */
  isNew(line: OutputLine): boolean {
    if (!this.#isFound) {
      this.#isFound = this.#isMark(line)
      return false
    }
    this.#last = markOf(line)
    return !this.#followed.has(nameOf(line)) && !isOfSameLine(line, this.#lostMark)
  }

  /** The line was passed on; whether lines before it are missing is not known yet. */
  follow(line: OutputLine): void {
    this.#followed.add(nameOf(line))
    this.#size.bytes += line.text.length
    this.#size.messages += 1 + Math.floor(line.text.length / fullMessage)
  }

  /** All lines of the reading were passed on. */
  settle(): void {
    if (this.#last) this.#mark = this.#last
    this.#settled = { clock: Date.now(), elapsed: performance.now() }
    this.#lostMark = undefined
    this.#followed.clear()
    this.#size = { bytes: 0, messages: 0 }
  }

  /**
   * The mark is gone from the log: all that the log has is new, but for what was followed and the
   * rest of the mark's own line.
   */
  giveUp(): void {
    this.#lostMark = this.#mark
    this.#mark = undefined
    this.#isFound = true
  }

  /**
   * The pieces of a long line are counted from its begin, so a reading that began inside it has
   * other cursors for them.
   */
  #isMark(line: OutputLine): boolean {
    const mark = this.#mark!
    if (!isOfSameLine(line, mark)) {
      if (line.stream === (mark.stream ?? line.stream)) this.#beganBefore = true
      return false
    }
    return line.cursor === mark.cursor && (this.#beganBefore || !mark.isLong)
  }
}

function nameOf({ stream, cursor }: OutputLine): string {
  return `${stream} ${cursor}`
}

function isOfSameLine(line: OutputLine, mark: Mark | undefined): boolean {
  if (!mark || stampOf(line.cursor) !== stampOf(mark.cursor)) return false
  return mark.stream === undefined || mark.stream === line.stream
}

function markOf({ cursor, stream, text }: OutputLine): Mark {
  return { cursor, stream, isLong: isPiece(cursor) || text.length >= fullMessage }
}

function isPiece(cursor: string): boolean {
  return stampOf(cursor) !== cursor
}
