import { describe, expect, it } from 'vitest'
import { base32, totpCode, totpMatch, totpPeriod, totpUrl } from '../../src/model/totp.ts'

const secret = Buffer.from('12345678901234567890')

describe('a time-based code', () => {
  // RFC 6238, appendix B: the last six of the eight digits there.
  it.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('at %i s is the one of the RFC', (seconds, code) => {
    expect(totpCode(secret, totpPeriod(new Date(seconds * 1000)))).toBe(code)
  })

  it('counts in its own period, and in one before and after it', () => {
    const now = new Date(1_700_000_000_000)
    const at = totpPeriod(now)
    const matches = (distance: number) => totpMatch(secret, totpCode(secret, at + distance), { now, last: 0 })
    expect([-2, -1, 0, 1, 2].map(matches)).toEqual([undefined, at - 1, at, at + 1, undefined])
  })

  it('counts once: not again, and none of a period before one that was used', () => {
    const now = new Date(1_700_000_000_000)
    const at = totpPeriod(now)
    expect(totpMatch(secret, totpCode(secret, at), { now, last: at })).toBeUndefined()
    expect(totpMatch(secret, totpCode(secret, at - 1), { now, last: at })).toBeUndefined()
    expect(totpMatch(secret, totpCode(secret, at + 1), { now, last: at })).toBe(at + 1)
  })

  it.each(['', '12345', '1234567', '12345a', '١٢٣٤٥٦', ' 287082'])('is not %j', (code) => {
    expect(totpMatch(secret, code, { now: new Date(59_000), last: 0 })).toBeUndefined()
  })
})

it('base32 is that of RFC 4648, section 10, without padding', () => {
  const encoded = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32(Buffer.from(text)))
  expect(encoded).toEqual(['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI'])
})

it('the address for apps names server and account, and escapes them', () => {
  const url = totpUrl(secret, { issuer: 'paas.example.com:8080', email: 'a+b@example.com' })
  expect(url).toBe(
    'otpauth://totp/paas.example.com%3A8080:a%2Bb%40example.com?' +
      'secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=paas.example.com%3A8080&digits=6&period=30',
  )
})
