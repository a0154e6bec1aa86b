import { randomBytes, scrypt, scryptSync, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** OWASP Password Storage Cheat Sheet; 16 MiB and about 0.2 s each. */
const cost = { N: 2 ** 14, r: 8, p: 5, maxmem: 2 ** 25 }
const hashBytes = 32

/** `salt.hash`, both base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  return encode(salt, await derive(normalize(password), salt, hashBytes, cost))
}

/** For where a transaction must not be left; blocks about 0.2 s. */
export function hashPasswordSync(password: string): string {
  const salt = randomBytes(16)
  return encode(salt, scryptSync(normalize(password), salt, hashBytes, cost))
}

/** Takes as long for an account without a password, or for none at all, as for a wrong one. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const [salt = '', hash = ''] = (stored ?? '').split('.')
  const expected = Buffer.from(hash, 'base64url')
  const actual = await derive(normalize(password), Buffer.from(salt, 'base64url'), hashBytes, cost)
  return expected.length === hashBytes && timingSafeEqual(actual, expected)
}

/** The same letters typed on different systems are the same password (RFC 8265). */
function normalize(password: string): string {
  return password.normalize('NFC')
}

function encode(salt: Buffer, hash: Buffer): string {
  return `${salt.toString('base64url')}.${hash.toString('base64url')}`
}
