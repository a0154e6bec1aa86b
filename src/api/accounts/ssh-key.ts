import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto'
import { PaasError } from '../../errors.ts'
import type { Key } from '../../model/key.ts'

/** The fields of a key's binary form (RFC 4253, section 6.6), its name first. */
type Fields = Buffer[]

/** The curves of RFC 5656, and the bytes of a coordinate of each. */
const curves = { nistp256: ['P-256', 32], nistp384: ['P-384', 48], nistp521: ['P-521', 66] } as const

/** Each kind of key as a JWK; OpenSSL then refuses invalid ones. */
const readers: Record<string, (fields: Fields) => JsonWebKey> = {
  'ssh-rsa': ([, e, n]) => ({ kty: 'RSA', e: base64(e), n: base64(n) }),
  'ssh-ed25519': ([, x]) => ({ kty: 'OKP', crv: 'Ed25519', x: base64(x) }),
  'ecdsa-sha2-nistp256': ([, , point]) => ecdsa('nistp256', point),
  'ecdsa-sha2-nistp384': ([, , point]) => ecdsa('nistp384', point),
  'ecdsa-sha2-nistp521': ([, , point]) => ecdsa('nistp521', point),
  'sk-ssh-ed25519@openssh.com': ([, x]) => ({ kty: 'OKP', crv: 'Ed25519', x: base64(x) }),
  'sk-ecdsa-sha2-nistp256@openssh.com': ([, , point]) => ecdsa('nistp256', point),
}

/** Bits of an RSA key: fewer can be broken. */
const leastRsaBits = 2048
/** Characters; one of RSA with 16,384 bits, the most that OpenSSH takes, has 2,800. */
const longest = 16_384

/** A line as in `id_ed25519.pub`. @throws invalid_params that says what is wrong with it */
export function parseSshKey(text: string): Pick<Key, 'publicKey' | 'comment' | 'fingerprint'> {
  const publicKey = text.trim()
  if (publicKey.includes('PRIVATE KEY')) throw invalid('is a private key, which must stay secret; use the .pub file')
  if (/[\0-\x1f\x7f]/.test(publicKey)) throw invalid('has more than one line')
  if (publicKey.length > longest) throw invalid(`has more than ${longest} characters`)
  const [type = '', encoded = '', ...words] = publicKey.split(/ +/)
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined
  if (!reader) throw invalid(`has an unsupported type; supported are ${Object.keys(readers).join(', ')}`)
  const binary = /^[\w+/]+={0,2}$/.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0)
  checkKey(type, () => reader(fieldsOf(binary, type)))
  const fingerprint = `SHA256:${createHash('sha256').update(binary).digest('base64').replaceAll('=', '')}`
  return { publicKey, comment: words.join(' '), fingerprint }
}

function checkKey(type: string, read: () => JsonWebKey): void {
  let bits: number | undefined
  try {
    bits = createPublicKey({ key: read(), format: 'jwk' }).asymmetricKeyDetails?.modulusLength
  } catch (cause) {
    throw invalid(`is damaged: it cannot be read as ${type}`, cause)
  }
  if (bits !== undefined && bits < leastRsaBits) throw invalid(`has ${bits} bits; RSA needs ${leastRsaBits} or more`)
}

/** Each with its length before it, in four bytes. */
function fieldsOf(binary: Buffer, type: string): Fields {
  const fields: Fields = []
  for (let at = 0; at < binary.length;) {
    const end = at + 4 + binary.readUInt32BE(at)
    if (end > binary.length) throw new RangeError('a field is longer than the key')
    fields.push(binary.subarray(at + 4, end))
    at = end
  }
  if (fields[0]?.toString() !== type) throw new TypeError('the key inside is of another type')
  return fields
}

/** `04 x y` (SEC 1, section 2.3.3). */
function ecdsa(curve: keyof typeof curves, point: Buffer = Buffer.alloc(0)): JsonWebKey {
  const [crv, size] = curves[curve]
  if (point[0] !== 4 || point.length !== 1 + 2 * size) throw new TypeError('not a point')
  return { kty: 'EC', crv, x: base64(point.subarray(1, 1 + size)), y: base64(point.subarray(1 + size)) }
}

function base64(field: Buffer = Buffer.alloc(0)): string {
  return field.toString('base64url')
}

function invalid(what: string, cause?: unknown): PaasError {
  return new PaasError('invalid_params', `The SSH key ${what}.`, { cause })
}
