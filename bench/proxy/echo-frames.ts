const payload = Buffer.from('0123456789abcdef'.repeat(4))

/** A message of 64 bytes as a client sends it: masked (RFC 6455 section 5.3), with zeros. */
export const fromClient = Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload])

/** The same from a server. */
export const fromServer = Buffer.concat([Buffer.from([0x82, payload.length]), payload])

/** What long bodies are made of. */
export const piece = Buffer.alloc(1 << 20, '0123456789abcdef')

/** Calls back whenever another `size` bytes have come. */
export function everyFrame(size: number, onFrame: () => void): (chunk: Buffer) => void {
  let received = 0
  return (chunk) => {
    for (received += chunk.length; received >= size; received -= size) onFrame()
  }
}
