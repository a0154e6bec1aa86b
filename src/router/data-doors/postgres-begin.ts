/** Codes in place of a protocol version: PostgreSQL's manual, "Message Formats". */
const codes = { cancel: 80_877_102, tls: 80_877_103, gss: 80_877_104 }
const length = 8
/** The first byte of every TLS connection: RFC 8446 section 5.1. */
const handshakeRecord = 0x16

/**
 * What a client of PostgreSQL wants first: `tls` at once, to be asked whether there is TLS
 * (`ask-tls`) or GSS encryption (`ask-gss`), or to go on without. Bytes that came behind the
 * question were sent by somebody in between: they would pass for what the client said inside.
 */
export function postgresBegin(bytes: Buffer): 'undecided' | 'tls' | 'ask-tls' | 'ask-gss' | 'plain' {
  if (bytes[0] === handshakeRecord) return 'tls'
  if (bytes.length < length) return 'undecided'
  const code = bytes.readInt32BE(4)
  if (bytes.readInt32BE(0) !== length || bytes.length > length) return 'plain'
  return code === codes.tls ? 'ask-tls' : code === codes.gss ? 'ask-gss' : 'plain'
}

export const yes = Buffer.from('S')
export const no = Buffer.from('N')

/** An ErrorResponse, as clients show it. */
export function postgresRefusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C28000\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}
