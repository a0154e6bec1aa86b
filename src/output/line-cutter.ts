import { StringDecoder } from 'node:string_decoder'
import { cleanLine, isVisible } from '../model/clean-line.ts'
import type { Mask } from './mask.ts'

/** Longest line shown, in UTF-16 units. */
export const longestLine = 4096
export const cutMark = ' … [line cut]'

/**
 * Cuts raw bytes to clean, masked lines. What comes out does not depend on where chunks end: UTF-8
 * is decoded across borders (what is invalid becomes U+FFFD), a line is given when its newline
 * came, and a progress bar that rewrites its line with `\r` is given as what it last showed. Holds
 * at most one line, and of that only what can be shown.
 */
export class LineCutter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #mask: Mask
  #shown = ''
  #held = ''
  #overflow = false

  constructor(mask: Mask) {
    this.#mask = mask
  }

  /** The lines that `chunk` completes, without newline. */
  feed(chunk: Buffer): string[] {
    return this.#take(this.#decoder.write(chunk))
  }

  /** The last line, if it had no newline. */
  end(): string[] {
    const lines = this.#take(this.#decoder.end())
    const last = this.#finishLine()
    return last === '' ? lines : [...lines, last]
  }

  #take(text: string): string[] {
    const lines: string[] = []
    let from = 0
    for (const { index, 0: end } of text.matchAll(/[\r\n]/g)) {
      this.#hold(text.slice(from, index))
      from = index + 1
      if (end === '\n') lines.push(this.#finishLine())
      else this.#rewind()
    }
    this.#hold(text.slice(from))
    return lines
  }

  #hold(text: string): void {
    // Longer than what is shown by the length of the longest secret, so that a secret across
    // the cut is recognised.
    const room = longestLine + this.#mask.longest - this.#held.length
    if (text.length > room) this.#overflow = true
    this.#held += text.slice(0, room)
  }

  /** `\r`: what follows is written over the line. */
  #rewind(): void {
    const line = this.#finishSegment()
    if (isVisible(line)) this.#shown = line
  }

  #finishLine(): string {
    const line = this.#finishSegment()
    const shown = isVisible(line) || this.#shown === '' ? line : this.#shown
    this.#shown = ''
    return shown
  }

  #finishSegment(): string {
    const line = maskLine(this.#held, this.#mask)
    const complete = this.#overflow ? line.slice(0, Math.max(0, line.length - this.#mask.longest)) : line
    const isCut = this.#overflow || complete.length > longestLine
    this.#held = ''
    this.#overflow = false
    return isCut ? cut(complete) : complete
  }
}

/**
 * Text of one line, clean and masked. Cleaned again after masking: a secret may be part of an
 * escape sequence.
 */
export function maskLine(text: string, mask: Mask): string {
  return cleanLine(mask.apply(cleanLine(text)))
}

/** Cut at `longestLine`, never inside a colour sequence or a surrogate pair. */
function cut(line: string): string {
  const colour = line.lastIndexOf('\u001b', longestLine - 1)
  const isCutOff = colour >= 0 && !line.slice(colour, longestLine).includes('m')
  const shown = line.slice(0, isCutOff ? colour : longestLine)
  return shown.replace(/[\ud800-\udbff]$/, '') + cutMark
}
