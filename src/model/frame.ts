/** Bytes before the payload of a frame. */
export const headLength = 5

/**
 * How what is said over a byte stream is cut: one byte that says what it is, four with the
 * payload's length (big-endian), the payload.
 */
export function encodeFrame(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headLength)
  head.writeUInt8(type)
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, payload])
}
