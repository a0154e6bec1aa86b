import type { Field } from './fields.ts'

/**
 * How the end of a body is found: RFC 9112 section 6.3. `close`: it ends with the connection
 * (responses only).
 */
export type Framing = { kind: 'none' } | { kind: 'length'; length: number } | { kind: 'chunked' } | { kind: 'close' }

export const noBody: Framing = { kind: 'none' }

/**
 * What Content-Length and Transfer-Encoding of one message say. Anything two parsers could read
 * differently is refused: both fields, one of them twice, a list, another coding, a number with
 * sign or blanks.
 * @returns undefined when neither is there; a string when they are refused: the reason
 */
export function declaredFraming(fields: Field[]): Framing | undefined | string {
  let found: Framing | undefined
  for (const { key, value } of fields) {
    if (key !== 'content-length' && key !== 'transfer-encoding') continue
    if (found !== undefined) return 'the length of the body is given more than once'
    const framing = key === 'content-length' ? lengthFraming(value) : chunkedFraming(value)
    if (typeof framing === 'string') return framing
    found = framing
  }
  return found
}

function lengthFraming(value: string): Framing | string {
  if (!/^\d{1,15}$/.test(value)) return 'Content-Length is not one plain number'
  return { kind: 'length', length: Number(value) }
}

function chunkedFraming(value: string): Framing | string {
  if (value.toLowerCase() !== 'chunked') return 'Transfer-Encoding is not exactly "chunked"'
  return { kind: 'chunked' }
}

/**
 * How a body continues to a client: HTTP/1.0 has no chunks; later ones get them instead of an end
 * by closing.
 */
export function framingTowards(version: 0 | 1, framing: Framing): Framing {
  if (framing.kind !== 'chunked' && framing.kind !== 'close') return framing
  return { kind: version === 1 ? 'chunked' : 'close' }
}

/** Takes the body of one message out of the bytes that follow its head. */
export interface BodyReader {
  /** True when the body is complete. */
  readonly done: boolean
  /** Fields after a chunked body. */
  readonly trailers: Field[]
  /**
   * Returns the parts of `chunk`, from `from` on, that belong to the body to `onData`.
   * @returns the offset after the last byte taken, or -1 when the framing is malformed
   */
  read(chunk: Buffer, from: number, onData: (data: Buffer) => void): number
}
