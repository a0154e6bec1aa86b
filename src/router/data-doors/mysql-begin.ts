import { once } from 'node:events'
import type { Duplex } from 'node:stream'

/** A packet's length and number: MariaDB's manual, "0 - Packet". */
const head = 4
/** What a client asks for TLS with is the first half of how it logs in: "Connection". */
const asksForTls = { length: 32, capability: 0x08_00 }
/** Greetings and what answers them have some hundred bytes. */
const longest = 4096

/**
 * The first packet that comes, with its head. What follows it stays in the stream.
 * @returns undefined where it ends before, or is none @throws the signal's reason
 */
export async function readMysqlPacket(stream: Duplex, signal: AbortSignal): Promise<Buffer | undefined> {
  let bytes = Buffer.alloc(0)
  for (;;) {
    const length = bytes.length < head ? 0 : head + bytes.readUIntLE(0, 3)
    if (length > longest) return undefined
    if (length > 0 && bytes.length >= length) {
      if (bytes.length > length) stream.unshift(bytes.subarray(length))
      return bytes.subarray(0, length)
    }
    if (stream.readableLength === 0) await once(stream, 'readable', { signal })
    const more = stream.read() as Buffer | null
    if (more === null) return undefined
    bytes = Buffer.concat([bytes, more])
  }
}

/** Whether a client goes on with TLS. */
export function isMysqlTls(packet: Buffer): boolean {
  const isShort = packet.length === head + asksForTls.length
  return isShort && (packet.readUInt16LE(head) & asksForTls.capability) !== 0
}

/** The error packet that follows the client's second one, as clients show it. */
export function mysqlRefusal(message: string): Buffer {
  const code = Buffer.from([0xff, 0, 0])
  code.writeUInt16LE(3159, 1)
  const payload = Buffer.concat([code, Buffer.from(`#08004${message}`)])
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 2]), payload])
}
