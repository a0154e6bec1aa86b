import type { OutputLine } from '../engine.ts'
import type { Frame } from './frames.ts'

/** Bytes of the longest line; what is longer comes in pieces. */
export const longestPiece = 64 * 1024

/**
 * Bytes of a message that the engine cuts a line into (moby daemon/logger/copier.go). A shorter one
 * ends its line.
 */
export const fullMessage = 16 * 1024

/**
 * RFC 3339 with nine digits of a second, as the engine writes it before each message: text order is
 * time order.
 */
const stampLength = '2006-01-02T15:04:05.000000000Z'.length

/** A line on its way: `pieces` of it are out already, `parts` are not. */
type OpenLine = { stamp: string; pieces: number; parts: Buffer[]; length: number }

/**
 * Puts the lines of a dyno together. Each frame is one message: a time, a blank, and a line with
 * its end, or a part of a longer line. All parts of a line have the time of the first; the two
 * streams' may come interleaved.
 */
export class LineJoiner {
  readonly #open = new Map<Frame['stream'], OpenLine>()

  /** The lines that this frame completes. */
  push({ stream, data }: Frame): OutputLine[] {
    const terminated = data.at(-1) === 0x0a
    const text = data.subarray(stampLength + 1, terminated ? -1 : undefined)
    const stamp = data.toString('latin1', 0, stampLength)
    const line = this.#open.get(stream) ?? { stamp, pieces: 0, parts: [], length: 0 }
    this.#open.set(stream, line)
    line.parts.push(text)
    line.length += text.length
    const ended = terminated || text.length < fullMessage
    return ended || line.length >= longestPiece ? this.#take(stream, line, ended) : []
  }

  /** What was begun and never ended, once nothing more comes. */
  finish(): OutputLine[] {
    return [...this.#open]
      .filter(([, line]) => line.length > 0)
      .flatMap(([stream, line]) => this.#take(stream, line, true))
  }

  /** Full pieces, and the rest too if the line `ended`; else the rest stays open. */
  #take(stream: Frame['stream'], line: OpenLine, ended: boolean): OutputLine[] {
    const texts = cut(Buffer.concat(line.parts))
    // The line's end came after the last piece of it was out.
    if (ended && line.pieces > 0 && texts[0]!.every((byte) => byte === 0x0d)) texts.shift()
    const rest = ended || texts.at(-1)?.length === longestPiece ? undefined : texts.pop()
    const pieces = texts.map((text, index) => ({
      time: new Date(line.stamp),
      cursor: cursorOf(line.stamp, line.pieces + index),
      stream,
      text,
    }))
    if (ended) this.#open.delete(stream)
    else
      Object.assign(line, { pieces: line.pieces + pieces.length, parts: rest ? [rest] : [], length: rest?.length ?? 0 })
    return pieces
  }
}

function cut(text: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(text.length / longestPiece))
  return Array.from({ length: count }, (_, index) => text.subarray(index * longestPiece, (index + 1) * longestPiece))
}

function cursorOf(stamp: string, piece: number): string {
  return piece === 0 ? stamp : `${stamp}+${String(piece).padStart(6, '0')}`
}

/** The engine's time of a cursor's line, which all pieces of it have. */
export function stampOf(cursor: string): string {
  return cursor.slice(0, stampLength)
}
