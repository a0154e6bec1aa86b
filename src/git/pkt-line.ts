/**
 * Git's framing (gitprotocol-common(5)): four hex digits of length, themselves included, then the
 * payload.
 */

/** Bytes of payload one packet may carry. */
export const largestPayload = 65_516

export const flush = Buffer.from('0000')

/** One packet. @throws RangeError for a payload no packet can carry */
export function packet(payload: string | Buffer): Buffer {
  const body = Buffer.from(payload)
  if (body.length > largestPayload) throw new RangeError(`a packet of ${body.length} bytes`)
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body])
}

/** What a packet can be: a payload, or `null` for a flush. */
export type Packet = Buffer | null

/** Takes chunks cut anywhere, gives whole packets. */
export class PacketParser {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
  }

  /** The next whole packet; undefined until there is one. @throws Error for what is no packet */
  next(): Packet | undefined {
    if (this.#bytes.length < 4) return undefined
    const length = lengthOf(this.#bytes)
    if (length === 0) {
      this.#bytes = this.#bytes.subarray(4)
      return null
    }
    if (this.#bytes.length < length) return undefined
    const payload = this.#bytes.subarray(4, length)
    this.#bytes = this.#bytes.subarray(length)
    return payload
  }

  /** What came after the last packet that was given. */
  get rest(): Buffer {
    return this.#bytes
  }
}

function lengthOf(bytes: Buffer): number {
  const digits = bytes.toString('latin1', 0, 4)
  const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : NaN
  if (length === 0 || (length >= 4 && length <= largestPayload + 4)) return length
  throw new Error(`no packet begins with ${JSON.stringify(digits)}`)
}

/** A packet's text without the newline that some writers put at its end. */
export function lineOf(payload: Buffer): string {
  return payload.toString('utf8').replace(/\n$/, '')
}
