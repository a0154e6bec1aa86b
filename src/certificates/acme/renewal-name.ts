import { X509Certificate } from 'node:crypto'

/** In DER: the extension's OID 2.5.29.35, then its value, which begins with a key identifier. */
const authorityKeyIdentifier = Buffer.from('0603551d2304', 'hex')

/**
 * What a certificate is called when its authority is asked about its renewal (RFC 9773, section
 * 4.1): the identifier of the authority's key and the serial number.
 * @returns undefined when it does not say whose it is
 */
export function renewalName(pem: string): string | undefined {
  const certificate = new X509Certificate(pem)
  const at = certificate.raw.indexOf(authorityKeyIdentifier)
  if (at === -1) return undefined
  const [, sequence, , tag, length = 0] = certificate.raw.subarray(at + authorityKeyIdentifier.length)
  if (sequence !== 0x30 || tag !== 0x80 || length === 0 || length > 64) return undefined
  const start = at + authorityKeyIdentifier.length + 5
  const key = certificate.raw.subarray(start, start + length)
  return `${key.toString('base64url')}.${serialOf(certificate).toString('base64url')}`
}

/** As DER has it: a number whose first bit is 1 begins with a zero byte. */
function serialOf({ serialNumber }: X509Certificate): Buffer {
  const bytes = Buffer.from(serialNumber.padStart(serialNumber.length + (serialNumber.length % 2), '0'), 'hex')
  return bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
}
