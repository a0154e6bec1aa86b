import type { BodyReader } from './framing.ts'
import { parseFields, type Field } from './fields.ts'

/** RFC 9112 section 7.1. Extensions are allowed and dropped; nothing but CRLF ends a line. */
const sizeLine = /^([0-9A-Fa-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/
const longestSizeLine = 256
const longestTrailers = 16_384

/**
 * Decodes a chunked body. What follows is written again by `BodyWriter`, so no odd framing is
 * passed on.
 */
export class ChunkedReader implements BodyReader {
  done = false
  trailers: Field[] = []
  #expects: 'size' | 'data' | 'data-end' | 'trailers' = 'size'
  #remaining = 0
  #line = ''
  #trailers = ''

  read(chunk: Buffer, from: number, onData: (data: Buffer) => void): number {
    let at = from
    while (at < chunk.length && !this.done) {
      at = this.#expects === 'data' ? this.#readData(chunk, at, onData) : this.#readLine(chunk, at)
      if (at === -1) return -1
    }
    return at
  }

  #readData(chunk: Buffer, from: number, onData: (data: Buffer) => void): number {
    const size = Math.min(this.#remaining, chunk.length - from)
    this.#remaining -= size
    if (this.#remaining === 0) this.#expects = 'data-end'
    onData(chunk.subarray(from, from + size))
    return from + size
  }

  #readLine(chunk: Buffer, from: number): number {
    const longest = this.#expects === 'trailers' ? longestTrailers : longestSizeLine
    const newline = chunk.indexOf(0x0a, from)
    const end = newline === -1 ? chunk.length : newline + 1
    if (this.#line.length + end - from > longest) return -1
    this.#line += chunk.toString('latin1', from, end)
    if (newline === -1) return end
    const line = this.#line
    this.#line = ''
    return this.#takeLine(line) ? end : -1
  }

  /** @returns false when the line is malformed */
  #takeLine(line: string): boolean {
    switch (this.#expects) {
      case 'size':
        return this.#takeSize(sizeLine.exec(line)?.[1])
      case 'data-end':
        this.#expects = 'size'
        return line === '\r\n'
      case 'trailers':
        return line === '\r\n' ? this.#finish() : this.#takeTrailer(line)
      case 'data':
        return false
    }
  }

  #takeSize(hex: string | undefined): boolean {
    if (hex === undefined) return false
    this.#remaining = Number.parseInt(hex, 16)
    this.#expects = this.#remaining === 0 ? 'trailers' : 'data'
    return true
  }

  #takeTrailer(line: string): boolean {
    this.#trailers += line
    return this.#trailers.length <= longestTrailers
  }

  #finish(): boolean {
    this.done = true
    const trailers = parseFields(this.#trailers, 0)
    this.trailers = trailers ?? []
    return trailers !== undefined
  }
}
