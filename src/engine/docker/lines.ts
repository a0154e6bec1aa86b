import type { OutputLine } from '../engine.ts'
import type { Frame } from './frames.ts'

/** Bytes of the longest line; what is longer comes in pieces. */
export const longestLine = 64 * 1024

/** RFC 3339 with nine digits of a second, as the engine writes it before each message: text order is time order. */
const stampLength = '2006-01-02T15:04:05.000000000Z'.length

type Piece = { cursor: string; parts: Buffer[]; length: number }

/**
 * Puts the lines of a dyno together. Each frame is one message: a time, a blank, and a line with its end, or a
 * piece of up to 16 KiB of a longer line without one. The two streams' pieces may come interleaved.
 */
export class LineCutter {
  readonly #open = new Map<Frame['stream'], Piece>()

  /** The lines that this frame completes. */
  push({ stream, data }: Frame): OutputLine[] {
    const cursor = data.toString('latin1', 0, stampLength)
    const ended = data.at(-1) === 0x0a
    const text = data.subarray(stampLength + 1, ended ? -1 : undefined)
    const piece = this.#open.get(stream) ?? { cursor, parts: [], length: 0 }
    piece.parts.push(text)
    piece.length += text.length
    this.#open.set(stream, piece)
    return ended || piece.length >= longestLine ? this.#take(stream, piece, ended) : []
  }

  /** What was begun and never ended, once nothing more comes. */
  finish(): OutputLine[] {
    return [...this.#open].flatMap(([stream, piece]) => this.#take(stream, piece, true))
  }

  /** Full pieces, and the rest too if the line `ended`; else the rest stays open. */
  #take(stream: Frame['stream'], { cursor, parts }: Piece, ended: boolean): OutputLine[] {
    const line = { time: new Date(cursor), cursor, stream }
    const text = Buffer.concat(parts)
    const full = Math.max(0, ended ? Math.ceil(text.length / longestLine) - 1 : Math.floor(text.length / longestLine))
    const pieces = Array.from({ length: full }, (_, index) =>
      text.subarray(index * longestLine, (index + 1) * longestLine),
    )
    const rest = text.subarray(full * longestLine)
    this.#open.delete(stream)
    if (!ended && rest.length > 0) this.#open.set(stream, { cursor, parts: [rest], length: rest.length })
    return [...pieces, ...(ended ? [rest] : [])].map((part) => ({ ...line, text: part }))
  }
}

/** A cursor as the engine's `since`: seconds since 1970 with nine decimals. */
export function unixTime(cursor: string): string {
  const seconds = Math.floor(Date.parse(`${cursor.slice(0, 19)}Z`) / 1000)
  return `${seconds}.${cursor.slice(20, 29)}`
}
