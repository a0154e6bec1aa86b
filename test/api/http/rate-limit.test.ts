import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RateLimit } from '../../../src/api/http/rate-limit.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await TestApi.start({ PAAS_API_REQUESTS_PER_HOUR: '60' })
})
afterAll(() => api[Symbol.asyncDispose]())

describe('the budget of a token', () => {
  it('is told with every answer, and used up by none but its own', async () => {
    const { token } = api.stranger()
    const first = await api.call('GET', '/account', { token })
    expect([first.status, first.headers['ratelimit-remaining']]).toEqual([200, '59'])
    const statuses: number[] = []
    for (let asked = 2; asked <= 60; asked += 1) {
      const { status } = await api.call('GET', asked % 2 ? '/account' : '/apps/nothing', { token })
      statuses.push(status)
    }
    expect(new Set(statuses)).toEqual(new Set([200, 404]))
    const refused = await api.call('GET', '/account', { token })
    expect([refused.status, refused.body['id'], refused.headers['ratelimit-remaining']]).toEqual([
      429,
      'rate_limit',
      '0',
    ])
    expect(refused.headers['retry-after']).toBe('60')
    expect((await api.call('POST', '/oauth/authorizations', { token, body: {} })).status).toBe(429)
    const left = await api.call('GET', '/account/rate-limits', { token })
    expect([left.status, left.body]).toEqual([200, { remaining: 0 }])
    expect((await api.call('GET', '/account')).status).toBe(200)
  })

  it('is not spent by asking for it', async () => {
    const { token } = api.stranger('asks@example.com')
    const ask = async () => (await api.call('GET', '/account/rate-limits', { token })).body['remaining']
    expect([await ask(), await ask()]).toEqual([60, 60])
    await api.call('GET', '/account', { token })
    expect(await ask()).toBe(59)
  })
})

describe('a budget', () => {
  const request = (token: string, account = 'a') =>
    ({ identity: { token: { id: token }, account: { id: account } } }) as unknown as Parameters<RateLimit['spend']>[0]

  it('fills again by the minute, and no further than it was', () => {
    let now = 0
    const limit = new RateLimit(4500, () => now)
    for (let asked = 0; asked < 4500; asked += 1) limit.spend(request('t'), 1)
    expect(limit.spend(request('t'), 1)).toBe(-1)
    now += 60_000
    expect(limit.spend(request('t'), 0)).toBe(75)
    now += 24 * 3_600_000
    expect(limit.spend(request('t'), 0)).toBe(4500)
  })

  it('of an account is that of four tokens, however many it makes', () => {
    const limit = new RateLimit(60, () => 0)
    let allowed = 0
    for (let asked = 0; asked < 600; asked += 1) if (limit.spend(request(`t${asked}`), 1) >= 0) allowed += 1
    expect(allowed).toBe(240)
    expect(limit.spend(request('u', 'b'), 1)).toBe(59)
  })

  it('is endless when it is turned off', () => {
    const limit = new RateLimit(undefined)
    for (let asked = 0; asked < 10_000; asked += 1) expect(limit.spend(request('t'), 1)).toBeGreaterThan(1e9)
  })
})

it('shows every route of its own', () => expectAllSeen('http/rate-limit.test.ts'))
