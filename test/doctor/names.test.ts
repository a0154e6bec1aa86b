import { describe, expect, it } from 'vitest'
import { findNames, judgeName } from '../../src/doctor/names.ts'

// Any public addresses: nothing is sent to them.
const [here4, here6, other4, other6] = ['8.8.8.8', '2606:4700::1', '9.9.9.9', '2606:4700::2']
const look = { here: [here4, here6, '10.0.0.5', 'fe80::1'], proxied: false }

describe('a name', () => {
  it('that leads here is good', () => {
    expect(judgeName('paas.test', { ...look, leadsTo: [here4, here6] })).toMatchObject({ state: 'good', advice: null })
  })

  it('without address is bad, and the records that it needs are told', () => {
    expect(judgeName('*.paas.test', { ...look, leadsTo: [] })).toMatchObject({
      state: 'bad',
      message: '*.paas.test has no address in DNS',
      advice: `Add at the DNS provider: *.paas.test A ${here4}, *.paas.test AAAA ${here6}`,
    })
  })

  it.each([[[other4]], [[here4, other4]], [[here4, other6]]])('that leads to %j, also elsewhere, is bad', (leadsTo) => {
    expect(judgeName('paas.test', { ...look, leadsTo })).toMatchObject({ state: 'bad', advice: /^Remove that record/ })
  })

  it('with IPv6 that this machine lacks is bad, since browsers prefer it', () => {
    const found = judgeName('paas.test', { leadsTo: [here4, other6], here: [here4], proxied: false })
    expect(found).toMatchObject({
      state: 'bad',
      message: `paas.test leads to ${other6}, and this machine has ${here4}`,
    })
  })

  it('is not known where the machine has private addresses only', () => {
    const found = judgeName('paas.test', { leadsTo: [other4], here: ['10.0.0.5'], proxied: false })
    expect(found).toMatchObject({ state: 'unknown', advice: /ports 80 and 443/ })
  })

  it('may lead to a trusted proxy', () => {
    expect(judgeName('paas.test', { ...look, leadsTo: [other4, other6], proxied: true }).state).toBe('good')
  })

  it('of this machine alone needs no DNS', async () => {
    for (const domain of ['localhost', 'paas.localhost']) {
      expect(await findNames({ domain, trustedProxies: [] })).toEqual([expect.objectContaining({ state: 'good' })])
    }
  })
})
