/**
 * RFC 6455 section 5.2: follows one direction of a WebSocket so far as to know where frames end.
 */
export class FrameCursor {
  #header: number[] = []
  #payload = 0

  /** True when a frame of our own may go between what came so far and what comes next. */
  get atBoundary(): boolean {
    return this.#payload === 0 && this.#header.length === 0
  }

  /**
   * @returns how many bytes at the start of `chunk` end a frame that began before it; all of it
   *   when none ends in it
   */
  advance(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#step(chunk, at)
  }

  /**
   * As `advance`, but stops at the first boundary.
   * @returns the offset of that boundary, or the chunk's length
   */
  advanceToBoundary(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && !this.atBoundary) at = this.#step(chunk, at)
    return at
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#payload > 0) {
      const size = Math.min(this.#payload, chunk.length - at)
      this.#payload -= size
      return at + size
    }
    if (this.#header.length === 0 && headerSize(chunk, at) <= chunk.length - at) {
      this.#payload = payloadSize(chunk, at)
      return at + headerSize(chunk, at)
    }
    this.#takeHeaderByte(chunk[at]!)
    return at + 1
  }

  /** A header that came in pieces. */
  #takeHeaderByte(byte: number): void {
    const header = this.#header
    header.push(byte)
    if (header.length < headerSize(header, 0)) return
    this.#payload = payloadSize(header, 0)
    this.#header = []
  }
}

type Bytes = ArrayLike<number>

/** Of a header that begins at `at`; at least 2. */
function headerSize(bytes: Bytes, at: number): number {
  const second = bytes[at + 1] ?? 0
  return 2 + lengthBytes(second) + (second & 0x80 ? 4 : 0)
}

function payloadSize(bytes: Bytes, at: number): number {
  const second = bytes[at + 1]!
  const more = lengthBytes(second)
  if (more === 0) return second & 0x7f
  let size = 0
  for (let i = 0; i < more; i++) size = size * 256 + bytes[at + 2 + i]!
  return size
}

function lengthBytes(second: number): 0 | 2 | 8 {
  const short = second & 0x7f
  return short === 127 ? 8 : short === 126 ? 2 : 0
}

/** A close frame with status 1001, "going away": RFC 6455 section 7.4.1. */
export const goingAwayFromServer = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/**
 * The same from a client: masked, as section 5.3 demands; a mask of zeros leaves the status
 * readable.
 */
export const goingAwayFromClient = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9])
