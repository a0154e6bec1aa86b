import type { Field } from './fields.ts'
import type { Framing } from './framing.ts'
import { ChunkedReader } from './chunked-reader.ts'

/** Takes the body of one message out of the bytes that follow its head. */
export interface BodyReader {
  /** True when the body is complete. */
  readonly done: boolean
  /** Fields after a chunked body. */
  readonly trailers: Field[]
  /**
   * Gives the parts of `chunk`, from `from` on, that belong to the body to `onData`.
   * @returns the offset after the last byte taken, or -1 when the framing is malformed
   */
  read(chunk: Buffer, from: number, onData: (data: Buffer) => void): number
}

export function readerFor(framing: Framing): BodyReader {
  switch (framing.kind) {
    case 'none':
      return new LengthReader(0)
    case 'length':
      return new LengthReader(framing.length)
    case 'chunked':
      return new ChunkedReader()
    case 'close':
      return new LengthReader(Infinity)
  }
}

class LengthReader implements BodyReader {
  readonly trailers: Field[] = []
  #remaining: number

  constructor(length: number) {
    this.#remaining = length
  }

  get done(): boolean {
    return this.#remaining === 0
  }

  read(chunk: Buffer, from: number, onData: (data: Buffer) => void): number {
    const size = Math.min(this.#remaining, chunk.length - from)
    if (size === 0) return from
    this.#remaining -= size
    onData(size === chunk.length ? chunk : chunk.subarray(from, from + size))
    return from + size
  }
}
