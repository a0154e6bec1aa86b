import { createHmac, timingSafeEqual } from 'node:crypto'

/** Seconds for which a code is shown (RFC 6238, 5.2), and its digits: what every app expects. */
const period = 30
const digits = 6
/** Periods before and after the present one whose codes count too: clocks differ. */
const drift = 1

/** RFC 4648, 6. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Which period a moment is in, counted from 1970. */
export function totpPeriod(now: Date): number {
  return Math.floor(now.getTime() / 1000 / period)
}

/** The code of one period (RFC 4226, 5.3, with SHA-1: many apps know nothing else). */
export function totpCode(secret: Buffer, at: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(at))
  const hash = createHmac('sha1', secret).update(counter).digest()
  const offset = (hash.at(-1) ?? 0) & 15
  const number = (hash.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits
  return String(number).padStart(digits, '0')
}

/**
 * The period whose code this is; undefined for a wrong one.
 * @param last a period whose code was used: neither it nor one before counts again (RFC 6238, 5.2)
 */
export function totpMatch(
  secret: Buffer,
  code: string,
  { now, last }: { now: Date; last: number },
): number | undefined {
  if (!isTotp(code)) return undefined
  const given = Buffer.from(code)
  const present = totpPeriod(now)
  for (let at = present - drift; at <= present + drift; at += 1) {
    if (at > last && timingSafeEqual(Buffer.from(totpCode(secret, at)), given)) return at
  }
  return undefined
}

export function isTotp(code: string): boolean {
  return /^\d{6}$/.test(code)
}

/** What apps read from a QR code (Google Authenticator's "Key Uri Format"). */
export function totpUrl(secret: Buffer, { issuer, email }: { issuer: string; email: string }): string {
  const parameters = new URLSearchParams({
    secret: base32(secret),
    issuer,
    digits: String(digits),
    period: String(period),
  })
  return `otpauth://totp/${encodeURIComponent(issuer)}:${encodeURIComponent(email)}?${parameters.toString()}`
}

/** Without padding: 160 bits need none. */
export function base32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31]
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}
