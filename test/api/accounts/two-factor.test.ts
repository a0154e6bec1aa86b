import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CodeGuard } from '../../../src/api/accounts/code-guard.ts'
import type { Account } from '../../../src/model/account.ts'
import type { AccountId } from '../../../src/model/ids.ts'
import { totpCode, totpPeriod } from '../../../src/model/totp.ts'
import { fromBase32 } from '../../helpers/base32.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Answer } from '../test-api.ts'

const api = await TestApi.forFile()
const password = 'correct horse'

type Person = { account: Account; token: string; secret: Buffer; recovery: string[]; used: number }

let count = 0

/** The account of somebody new, with two-factor authentication unless `enabled` is false. */
async function person({ enabled = true } = {}): Promise<Person> {
  count += 1
  const { account, token } = api.stranger(`person${count}@example.com`, password)
  const someone = { account, token, secret: Buffer.alloc(0), recovery: [], used: 0 }
  return enabled ? enable(someone) : someone
}

async function enable(someone: Person): Promise<Person> {
  const { token } = someone
  const begun = await api.call('POST', '/account/two-factor', { body: { password }, token })
  expect(begun.status).toBe(201)
  const secret = fromBase32(String(begun.body['secret']))
  const next = { ...someone, secret }
  const { status, body } = await send('PATCH', '/account/two-factor', next, codeOf(next))
  expect(status).toBe(200)
  return { ...next, used: next.used, recovery: body['recovery_codes'] as unknown as string[] }
}

/** One that was not used yet: the server takes those of the periods beside the present one. */
function codeOf(someone: Person): string {
  const at = Math.max(someone.used + 1, totpPeriod(new Date()) - 1)
  someone.used = at
  return totpCode(someone.secret, at)
}

const send = (method: string, path: string, { token }: Person, code: string) =>
  api.call(method, path, { token, headers: { 'heroku-two-factor-code': code } })

function login({ account }: Person, code?: string, typed = password): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`${account.email}:${typed}`).toString('base64')}`
  const headers = { authorization, ...(code === undefined ? {} : { 'heroku-two-factor-code': code }) }
  return api.call('POST', '/oauth/authorizations', { token: null, body: {}, headers })
}

describe('an account with two-factor authentication', () => {
  it('says so in the account, as Heroku does, and in what it has left', async () => {
    const ada = await person()
    const { body } = await api.call('GET', '/account', { token: ada.token })
    expect(body['two_factor_authentication']).toBe(true)
    expect((await api.call('GET', '/account/two-factor', { token: ada.token })).body).toEqual({
      enabled: true,
      recovery_codes_left: 10,
    })
  })

  it('logs in with password and code; the answer without a code is the one that makes clients ask for it', async () => {
    const ada = await person()
    const asked = await login(ada)
    expect([asked.status, asked.body['id']]).toEqual([403, 'two_factor'])
    expect((await login(ada, codeOf(ada))).status).toBe(201)
  })

  it('is told of a wrong password before it is asked for a code, so that a guess of one shows nothing', async () => {
    const ada = await person()
    const { status, body } = await login(ada, undefined, 'wrong horse')
    expect([status, body['id']]).toEqual([401, 'unauthorized'])
  })

  it('cannot log in with a code twice, nor with one of a minute before it', async () => {
    const ada = await person()
    const code = codeOf(ada)
    expect((await login(ada, code)).status).toBe(201)
    const again = await login(ada, code)
    expect([again.status, again.body['id']]).toEqual([403, 'two_factor'])
  })

  it('logs in with a recovery code, which works once, however it is written', async () => {
    const ada = await person()
    const [first = '', second = ''] = ada.recovery
    expect((await login(ada, first)).status).toBe(201)
    expect((await login(ada, first)).status).toBe(403)
    expect((await login(ada, second.toUpperCase().replaceAll('-', ' '))).status).toBe(201)
    const left = await api.call('GET', '/account/two-factor', { token: ada.token })
    expect(left.body['recovery_codes_left']).toBe(8)
  })

  it('gets new recovery codes with a code, and those from before work no more', async () => {
    const ada = await person()
    expect((await api.call('POST', '/account/recovery-codes', { token: ada.token })).status).toBe(403)
    const renewed = await send('POST', '/account/recovery-codes', ada, codeOf(ada))
    expect(renewed.status).toBe(201)
    const [fresh] = renewed.body as unknown as string[]
    expect((await login(ada, ada.recovery[0])).status).toBe(403)
    expect((await login(ada, fresh)).status).toBe(201)
  })

  it('disables it with a code only, not with a token that somebody found', async () => {
    const ada = await person()
    expect((await api.call('DELETE', '/account/two-factor', { token: ada.token })).status).toBe(403)
    expect((await send('DELETE', '/account/two-factor', ada, '000000')).status).toBe(403)
    expect((await send('DELETE', '/account/two-factor', ada, codeOf(ada))).status).toBe(200)
    expect((await login(ada)).status).toBe(201)
  })

  it('that lost all is let in by an admin, and by nobody else', async () => {
    const [ada, eve] = [await person(), await person({ enabled: false })]
    const path = `/accounts/${ada.account.email}/two-factor`
    expect((await api.call('DELETE', path, { token: eve.token })).status).toBe(403)
    expect((await api.call('DELETE', path)).status).toBe(200)
    expect((await login(ada)).status).toBe(201)
  })

  it('keeps its tokens, also those that make others', async () => {
    const ada = await person()
    expect((await api.call('POST', '/oauth/authorizations', { body: {}, token: ada.token })).status).toBe(201)
  })

  it('has its failed codes in the audit log, and nowhere a code or its secret', async () => {
    const ada = await person()
    await login(ada, '000000')
    const { text } = await api.call('GET', `/audit-entries?account=${ada.account.email}`)
    expect(text).toContain('"action":"login.fail"')
    expect(text).toContain('"reason":"two_factor"')
    expect(text).not.toContain('000000')
    const database = readFileSync(api.config.paths.database).toString('latin1')
    expect(database).not.toContain(ada.secret.toString('latin1'))
    expect(database).not.toContain(ada.secret.toString('base64'))
  })
})

describe('two-factor authentication', () => {
  it('is begun with the password, and is not enabled before a code of the app is right', async () => {
    const ada = await person({ enabled: false })
    const begin = (body: object) => api.call('POST', '/account/two-factor', { body, token: ada.token })
    expect((await begin({})).status).toBe(403)
    expect((await begin({ password: 'wrong horse' })).status).toBe(403)
    const begun = await begin({ password })
    expect(String(begun.body['url'])).toMatch(/^otpauth:\/\/totp\/.*person/)
    expect((await send('PATCH', '/account/two-factor', ada, '000000')).status).toBe(403)
    expect((await login(ada)).status).toBe(201)
  })

  it('is neither begun nor confirmed twice, and has no recovery codes before', async () => {
    const [ada, eve] = [await person(), await person({ enabled: false })]
    const again = await api.call('POST', '/account/two-factor', { body: { password }, token: ada.token })
    expect(again.status).toBe(422)
    expect((await send('PATCH', '/account/two-factor', ada, codeOf(ada))).status).toBe(422)
    expect((await send('POST', '/account/recovery-codes', eve, '000000')).status).toBe(422)
  })

  it('shows every route of its own', () => expectAllSeen('accounts/two-factor.test.ts'))
})

describe('guesses of codes', () => {
  const id = 'someone' as AccountId

  it('cost nothing at first, then more and more time, whoever asks, and a right code ends that', () => {
    let now = 0
    const guard = new CodeGuard(() => now)
    for (let guess = 0; guess < 5; guess += 1) expect(guard.check(id, () => false)).toBe(false)
    expect(() => guard.check(id, () => true)).toThrow(/try again in 30 s/)
    now += 30_000
    expect(guard.check(id, () => false)).toBe(false)
    expect(() => guard.check(id, () => true)).toThrow(/try again in 60 s/)
    now += 60_000
    expect(guard.check(id, () => true)).toBe(true)
    expect(guard.check(id, () => false)).toBe(false)
    expect(guard.check(id, () => true)).toBe(true)
  })

  it('are one in an hour after many, and those of one account do not limit another', () => {
    let now = 0
    const guard = new CodeGuard(() => now)
    for (let guess = 0; guess < 30; guess += 1) {
      guard.check(id, () => false)
      now += 3_600_000
    }
    guard.check(id, () => false)
    expect(() => guard.check(id, () => true)).toThrow(/try again in 60 min/)
    expect(guard.check('other' as AccountId, () => true)).toBe(true)
  })
})
