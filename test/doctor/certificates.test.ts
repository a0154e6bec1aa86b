import { describe, expect, it } from 'vitest'
import type { AppId, ManagedCertificateId } from '../../src/model/ids.ts'
import type { ManagedCertificate } from '../../src/model/managed-certificate.ts'
import { judgeTime } from '../../src/doctor/authority.ts'
import { findCertificates, judgeCertificates } from '../../src/doctor/certificates.ts'
import { whyNoPebble } from '../helpers/pebble.ts'
import { ManagedSite } from '../certificates/managed-site.ts'

const now = Date.parse('2026-11-28T00:00:00Z')
const inDays = (days: number): Date => new Date(now + days * 86_400_000)
const issued = (days: number) => ({
  certificate: '',
  issuedAt: inDays(0),
  endsAt: inDays(days),
  renewAt: inDays(days / 2),
})
const failing = { kind: 'failing', fault: 'dns', problem: 'The DNS has no address for it.' } as const

function certificate(name: string, fields: Partial<ManagedCertificate>): ManagedCertificate {
  const times = { nextAt: inDays(1), createdAt: inDays(0), updatedAt: inDays(0) }
  const rest = { appId: 'app' as AppId, issued: null, state: { kind: 'issued' }, failures: 0 } as const
  return { id: name as ManagedCertificateId, name, names: [name], ...times, ...rest, ...fields }
}

describe('what the doctor says of certificates', () => {
  it('names the server’s own, sums up those of apps, and tells what fails and when it is tried again', () => {
    const all = [
      certificate('paas.test', { appId: null, issued: issued(80) }),
      certificate('a.test', { issued: issued(60) }),
      certificate('b.test', { issued: issued(20) }),
      certificate('c.test', { issued: issued(20), state: failing }),
      certificate('d.test', { issued: issued(4), state: failing }),
      certificate('e.test', { state: failing }),
      certificate('f.test', { issued: issued(20), state: { kind: 'resting' } }),
    ]
    expect(judgeCertificates(all, now).map(({ state, message }) => [state, message])).toEqual([
      ['warning', 'c.test has one until 2026-12-18: The DNS has no address for it'],
      ['bad', 'd.test has one until 2026-12-02: The DNS has no address for it'],
      ['bad', 'e.test has none: The DNS has no address for it'],
      ['good', 'paas.test is issued until 2027-02-16, renewed 2027-01-07'],
      ['good', '4 of apps; renewed next: d.test, until 2026-12-02, renewed 2026-11-30'],
    ])
    expect(judgeCertificates(all, now)[2]!.advice).toContain('Tried again at 2026-11-29T00:00:00.000Z')
  })

  it('is short of many that fail', () => {
    const many = Array.from({ length: 40 }, (_, at) => certificate(`${at}.test`, { state: failing }))
    expect(judgeCertificates(many, now).map(({ message }) => message)).toHaveLength(6)
  })

  it.each([
    ['Sat, 28 Nov 2026 00:00:30 GMT', []],
    ['Sat, 28 Nov 2026 00:05:00 GMT', ['this machine is 300 s behind ca.test']],
    ['Fri, 27 Nov 2026 23:50:00 GMT', ['this machine is 600 s ahead of ca.test']],
    [undefined, []],
  ])('of a clock at the authority that says %s: %j', (date, messages) => {
    expect(judgeTime('ca.test', date, now).map(({ message }) => message)).toEqual(messages)
  })

  it.each([
    ['localhost', 'good'],
    ['paas.test', 'warning'],
  ])('is that none are requested for %s, which is %s', async (domain, state) => {
    expect(await findCertificates({ acme: undefined, domain }, () => undefined)).toMatchObject([{ state }])
  })
})

it.skipIf(whyNoPebble !== undefined)(
  `the doctor finds the authority and the way in (${whyNoPebble ?? 'Pebble'})`,
  async () => {
    await using site = await ManagedSite.start()
    await site.pebble.says('paas.test', ['127.0.0.1'])
    const look = async () => {
      const record = { managed: [], accounts: [site.pebble.directory] }
      return (await findCertificates(site.config, () => record)).map(({ state, message }) => [state, message])
    }
    const found = await look()
    expect(found[0]).toEqual([
      'good',
      expect.stringMatching(/^localhost:\d+ answers; this server has an account there$/),
    ])
    expect(found[1]).toEqual(['good', expect.stringContaining('the way of the authority is open from here (127.0.0.1')])
    expect(found[2]).toEqual(['good', expect.stringContaining('on demand')])
    await site.pebble.end()
    await site.pebble.says('paas.test', ['192.0.2.1'])
    const lost = await look()
    expect(lost[0]).toEqual(['bad', expect.stringMatching(/cannot be reached: .*ECONNREFUSED/)])
    expect(lost[1]).toEqual([
      'warning',
      expect.stringMatching(/^nothing takes a connection at port \d+ of 192\.0\.2\.1, port/),
    ])
  },
)
