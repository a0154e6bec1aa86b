import type { Field } from './fields.ts'
import type { Framing, BodyReader } from './framing.ts'
import { ChunkedReader } from './chunked-reader.ts'

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
