import { isIP } from 'node:net'
import { canonicalAddress } from '../model/client-network.ts'
import type { Peer } from './origin.ts'

/** `peer` is undefined when the proxy speaks for itself, or does not know whom it speaks for. */
type ProxyHeader = { length: number; peer: Peer | undefined }

/** Which of two protocols a connection's first bytes are; `undecided` while it may be either. */
export type ProxyReading = ProxyHeader | 'absent' | 'undecided' | 'malformed'

const textBegin = Buffer.from('PROXY ')
/** Includes its CRLF. */
const longestText = 107
const text = /^PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5}))\r\n/

const binaryBegin = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const binaryHead = 16
/** Type of the value that tells of TLS, and the bit in it that the visitor spoke it. */
const [tlsValue, tlsSpoken] = [0x20, 0x01]

/**
 * Reads what a proxy says at the begin of a connection about whom it speaks for: PROXY protocol 1
 * and 2, https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt.
 */
export function readProxyHeader(bytes: Buffer): ProxyReading {
  if (begins(bytes, textBegin)) return bytes.length < textBegin.length ? 'undecided' : readText(bytes)
  if (begins(bytes, binaryBegin)) return bytes.length < binaryHead ? 'undecided' : readBinary(bytes)
  return 'absent'
}

function begins(bytes: Buffer, begin: Buffer): boolean {
  const length = Math.min(bytes.length, begin.length)
  return bytes.compare(begin, 0, length, 0, length) === 0
}

function readText(bytes: Buffer): ProxyReading {
  const line = bytes.toString('latin1', 0, longestText)
  const match = text.exec(line)
  if (match === null) return line.includes('\n') || line.length === longestText ? 'malformed' : 'undecided'
  const [{ length }, family, source = '', destination = '', from, to] = match
  if (family === undefined) return { length, peer: undefined }
  const addressesFit = [source, destination].every(
    (address) => isIP(address) === Number(family) && !address.includes('%'),
  )
  if (!addressesFit || Number(from) > 65_535 || Number(to) > 65_535) return 'malformed'
  return { length, peer: { address: canonicalAddress(source), reached: { port: Number(to), secure: false } } }
}

function readBinary(bytes: Buffer): ProxyReading {
  const [version, family] = [bytes[12]!, bytes[13]!]
  const length = binaryHead + bytes.readUInt16BE(14)
  if (version !== 0x20 && version !== 0x21) return 'malformed'
  if (bytes.length < length) return 'undecided'
  // 0x11 and 0x21: TCP over IPv4 and IPv6. Other families, and the proxy's own connections, carry
  // no address.
  if (version === 0x20 || (family !== 0x11 && family !== 0x21)) return { length, peer: undefined }
  const size = family === 0x11 ? 4 : 16
  const addressesEnd = binaryHead + 2 * size + 4
  if (length < addressesEnd) return 'malformed'
  const address = formatAddress(bytes.subarray(binaryHead, binaryHead + size))
  const secure = saysTls(bytes.subarray(addressesEnd, length))
  return { length, peer: { address, reached: { port: bytes.readUInt16BE(addressesEnd - 2), secure } } }
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16))
  return canonicalAddress(groups.join(':'))
}

function saysTls(values: Buffer): boolean {
  for (let at = 0; at + 3 < values.length; at += 3 + values.readUInt16BE(at + 1)) {
    if (values[at] === tlsValue) return (values[at + 3]! & tlsSpoken) !== 0
  }
  return false
}
