import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { welcomeAdmin } from '../../../src/api/accounts/admin.ts'
import { ownLogins } from '../../../src/logins.ts'
import { PasswordGuard } from '../../../src/api/accounts/password-guard.ts'
import type { Config } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { expectAllSeen } from '../answers.ts'
import type { Store } from '../../../src/store/store.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

type Secret = { token: string }

function logIn(email: string, password: string, headers: Record<string, string> = {}) {
  const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`
  return api.call('POST', '/oauth/authorizations', { token: null, headers: { authorization, ...headers }, body: {} })
}

describe('logging in', () => {
  it('with email and password gives a token that works', async () => {
    const { status, body } = await logIn('Admin@example.com', 'correct horse')
    expect([status, body['user']]).toMatchObject([201, { email: 'admin@example.com' }])
    const { token } = body['access_token'] as unknown as { token: string }
    expect((await api.call('GET', '/account', { token })).body['email']).toBe('admin@example.com')
  })

  it('with a wrong password or email says neither which', async () => {
    const answers = [await logIn('admin@example.com', 'wrong'), await logIn('nobody@example.com', 'correct horse')]
    for (const { status, body } of answers) {
      expect([status, body['message']]).toEqual([401, expect.stringContaining('The email or the password is wrong.')])
    }
  })

  it('a password opens nothing but the login', async () => {
    const authorization = `Basic ${Buffer.from('admin@example.com:correct horse').toString('base64')}`
    expect((await api.call('GET', '/account', { token: null, headers: { authorization } })).status).toBe(401)
  })

  it('is stopped for an address and email that failed ten times, not for others', async () => {
    api.stranger('guessed@example.com', 'battery staple')
    const from = (address: string) => ({ 'x-forwarded-for': `6.6.6.6, ${address}` })
    const guesses = Array.from({ length: 12 }, () => logIn('guessed@example.com', 'wrong', from('192.0.2.1')))
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429])
    const right = await logIn('guessed@example.com', 'battery staple', from('192.0.2.1'))
    expect([right.status, right.body['id']]).toEqual([429, 'rate_limit'])
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(800)
    expect((await logIn('guessed@example.com', 'battery staple', from('192.0.2.2'))).status).toBe(201)
  })

  it('cannot be guessed by way of changing the password, with a token that was stolen', async () => {
    const { account, token } = api.stranger('stolen@example.com', 'battery staple')
    const from = { 'x-forwarded-for': '192.0.2.7' }
    const guess = (password: string) =>
      api.call('PATCH', '/account', { token, headers: from, body: { password, new_password: 'new password' } })
    const statuses = (await Promise.all(Array.from({ length: 70 }, () => guess('wrong')))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 403).length).toBe(10)
    expect(statuses.filter((status) => status === 429).length).toBe(60)
    expect((await guess('battery staple')).status).toBe(429)
    expect((await logIn(account.email, 'battery staple', from)).status).toBe(429)
  })
})

describe('the guard of passwords', () => {
  let now = 0
  const wrong = () => Promise.resolve(undefined)
  const right = () => Promise.resolve('right')
  const guess = (guard: PasswordGuard, client: string, email = 'a@example.com') => guard.check({ client, email }, wrong)
  const countTaken = async (guard: PasswordGuard, clients: string[], email?: string) => {
    let taken = 0
    for (const client of clients)
      await guess(guard, client, email).then(
        () => (taken += 1),
        () => undefined,
      )
    return taken
  }

  it('lets a client try again after a quarter of an hour', async () => {
    const guard = new PasswordGuard(() => now)
    expect(await countTaken(guard, Array(12).fill('192.0.2.1'))).toBe(10)
    await expect(guess(guard, '192.0.2.1')).rejects.toThrow('try again in 15 min')
    now += 15 * 60_000 + 1
    for (let count = 0; count < 100; count += 1)
      await guard.check({ client: '192.0.2.1', email: 'a@example.com' }, right)
  })

  it.each([
    ['a /64 of IPv6', (one: number) => `2001:db8::${one.toString(16)}`, 10],
    ['an IPv4 address that is mapped into IPv6', (one: number) => (one % 2 ? '::ffff:192.0.2.1' : '192.0.2.1'), 10],
  ])('takes %s as one client', async (_what, address, most) => {
    const guard = new PasswordGuard(() => now)
    expect(
      await countTaken(
        guard,
        Array.from({ length: 200 }, (_, one) => address(one + 1)),
      ),
    ).toBe(most)
  })

  it('bounds what one client asks of all accounts together', async () => {
    const guard = new PasswordGuard(() => now)
    let taken = 0
    for (let one = 0; one < 60; one += 1) taken += await countTaken(guard, ['192.0.2.1'], `${one}@example.com`)
    expect(taken).toBe(50)
  })

  it('bounds what comes from all networks of one IPv6 site, whatever accounts it is about', async () => {
    const guard = new PasswordGuard(() => now)
    const taken = async (one: number) => countTaken(guard, [`2001:db8:1:${one.toString(16)}::1`], `${one}@example.com`)
    const counts = await Promise.all(Array.from({ length: 600 }, (_, one) => one).map(taken))
    // At once there are fewer, since each takes a processor for a while.
    expect(counts.reduce((sum, one) => sum + one)).toBe(16)
    let more = 0
    for (let one = 0; one < 600; one += 1) more += await taken(one)
    expect(more).toBe(500 - 16)
  })

  it('slows a guesser with a thousand networks down without keeping out who was there before, nor any newcomer for long', async () => {
    const guard = new PasswordGuard(() => now)
    await guard.check({ client: '198.51.100.1', email: 'A@example.com' }, right)
    const networks = Array.from({ length: 1000 }, (_, one) => `10.0.${one >> 8}.${one & 255}`)
    expect(await countTaken(guard, networks)).toBe(51)
    const home = () => guard.check({ client: '198.51.100.1', email: 'a@example.com' }, right)
    expect([await home(), await home()]).toEqual(['right', 'right'])
    await expect(guess(guard, '203.0.113.1')).rejects.toMatchObject({ code: 'rate_limit', retryAfter: 10 })
    now += 10_000
    expect(await guard.check({ client: '203.0.113.1', email: 'a@example.com' }, right)).toBe('right')
  })
})

describe('a token', () => {
  it('is listed without its secret, and works no more once it is revoked', async () => {
    const made = await api.call('POST', '/oauth/authorizations', { body: { description: 'ci', expires_in: 3600 } })
    const { id, access_token } = made.body as unknown as {
      id: string
      access_token: { token: string; expires_in: number }
    }
    expect(access_token.expires_in).toBe(3600)
    const { text } = await api.call('GET', '/oauth/authorizations')
    expect(text).toContain(id)
    expect(text).not.toContain(access_token.token)
    expect((await api.call('DELETE', `/oauth/authorizations/${id}`)).status).toBe(200)
    expect((await api.call('GET', '/account', { token: access_token.token })).status).toBe(401)
  })

  it('can revoke itself without knowing its id', async () => {
    const token = api.tokenOf(api.admin)
    expect((await api.call('DELETE', '/oauth/authorizations/~', { token })).status).toBe(200)
    expect((await api.call('GET', '/account', { token })).status).toBe(401)
  })

  it('is refused once it has expired, and cannot be made to live on', async () => {
    const expired = {
      accountId: api.admin.id,
      description: 'old',
      scope: ['global'],
      expiresAt: new Date(Date.now() - 1),
    }
    const { token, secret } = api.store.tokens.create(expired)
    const refused = await api.call('GET', '/account', { token: secret })
    expect([refused.status, refused.body['message']]).toEqual([401, expect.stringContaining('expired or revoked')])
    const rotated = await api.call('POST', `/oauth/authorizations/${token.id}/actions/regenerate-tokens`)
    expect([rotated.status, rotated.body['message']]).toEqual([422, expect.stringContaining('has expired')])
  })

  it('takes its life in seconds as text too, and lives no longer', async () => {
    const made = await api.call('POST', '/oauth/authorizations', { body: { expires_in: '1' } })
    const { token } = made.body['access_token'] as unknown as { token: string }
    expect((await api.call('GET', '/account', { token })).status).toBe(200)
    await expect.poll(async () => (await api.call('GET', '/account', { token })).status).toBe(401)
  })

  it('is described and gets another secret, which makes the first one worthless', async () => {
    const { token, secret } = api.store.tokens.create({ accountId: api.admin.id, description: 'x', scope: ['read'] })
    const path = `/oauth/authorizations/${token.id}`
    const described = await api.call('PATCH', path, { body: { description: 'CI of acme' } })
    expect([described.status, described.body['description']]).toEqual([200, 'CI of acme'])
    const steering = await api.call('PATCH', path, { body: { description: '\u001b[2J' } })
    expect([steering.status, steering.body['message']]).toEqual([422, expect.stringMatching(/one line of text/)])
    const rotated = await api.call('POST', `${path}/actions/regenerate-tokens`)
    const { token: fresh } = rotated.body['access_token'] as unknown as { token: string }
    expect(rotated.body).toMatchObject({ id: token.id, description: 'CI of acme', scope: ['read'] })
    expect((await api.call('GET', '/account', { token: secret })).status).toBe(401)
    expect((await api.call('GET', '/apps', { token: fresh })).status).toBe(200)
    expect((await api.call('POST', '/apps', { token: fresh })).status).toBe(403)
  })

  it('of somebody else can be neither described nor rotated', async () => {
    const { token: theirs } = api.store.tokens.create({ accountId: api.admin.id, description: 'x', scope: ['read'] })
    const { token } = api.stranger('rotates@example.com')
    const path = `/oauth/authorizations/${theirs.id}`
    expect((await api.call('PATCH', path, { token, body: { description: 'mine' } })).status).toBe(404)
    expect((await api.call('POST', `${path}/actions/regenerate-tokens`, { token })).status).toBe(404)
    expect(api.store.tokens.find(theirs.id)).toEqual(theirs)
  })

  it.each([
    [{ scope: ['everything'] }, /scope\[0\] must be one of global, identity/],
    [{ scope: [] }, /scope must NOT have fewer than 1 items/],
    [{ expires_in: 0 }, /expires_in is 0; it must be from 1 to 3153600000 seconds/],
    [{ expires_in: '99999999999' }, /expires_in is 99999999999; it must be from 1/],
    [{ expires_in: 'soon' }, /expires_in must/],
    [{ description: 'x'.repeat(256) }, /description must NOT have more than 255 characters/],
  ])('cannot be made with %j', async (body, message) => {
    const answer = await api.call('POST', '/oauth/authorizations', { body })
    expect([answer.status, answer.body['message']]).toEqual([422, expect.stringMatching(message)])
  })
})

describe('a session', () => {
  it('is the token of a login: it is listed, and a logout revokes it', async () => {
    const { body } = await logIn('admin@example.com', 'correct horse')
    const { token } = body['access_token'] as unknown as { token: string }
    const sessions = async () => (await api.call('GET', '/oauth/sessions')).body.map((one) => one['id'])
    expect(body['session']).toEqual({ id: body['id'] })
    expect(await sessions()).toContain(body['id'])
    expect((await api.call('DELETE', '/oauth/sessions/~', { token })).status).toBe(200)
    expect((await api.call('GET', '/account', { token })).status).toBe(401)
    expect(await sessions()).not.toContain(body['id'])
  })

  it('is ended with all of the account, other tokens stay', async () => {
    const { account, token } = api.stranger('everywhere@example.com', 'correct horse')
    const logins = [await logIn(account.email, 'correct horse'), await logIn(account.email, 'correct horse')]
    expect((await api.call('DELETE', '/oauth/sessions', { token })).status).toBe(200)
    for (const { body } of logins) {
      const ended = (body['access_token'] as unknown as { token: string }).token
      expect((await api.call('GET', '/account', { token: ended })).status).toBe(401)
    }
    expect((await api.call('GET', '/account', { token })).status).toBe(200)
  })

  it('is none for a token that was made otherwise, which a logout leaves', async () => {
    const answer = await api.call('DELETE', '/oauth/sessions/~')
    expect([answer.status, answer.body]).toMatchObject([404, { id: 'not_found', resource: 'session' }])
    expect((await api.call('GET', '/account')).status).toBe(200)
  })
})

describe('a link for a browser', () => {
  it('is good for ten minutes, and the one before it for nothing', async () => {
    const { account, token } = api.stranger('linked@example.com')
    const first = await api.call('POST', '/account/login-links', { token })
    const { status, body } = await api.call('POST', '/account/login-links', { token })
    expect([status, body['url']]).toEqual([201, expect.stringMatching(/\/dashboard\/welcome\?key=paas-/)])
    expect(Date.parse(String(body['expires_at'])) - Date.now()).toBeLessThanOrEqual(600_000)
    const links = api.store.tokens.list(account.id).filter(({ scope }) => scope.includes('login-link'))
    expect(links).toHaveLength(1)
    const [key, old] = [body, first.body].map((one) => new URL(String(one['url'])).searchParams.get('key') ?? '')
    expect(api.store.tokens.authenticate(key ?? '')).toBeDefined()
    expect(api.store.tokens.authenticate(old ?? '')).toBeUndefined()
  })
})

describe('an account', () => {
  it('is made by an admin, with a password that is shown once', async () => {
    const { status, body } = await api.call('POST', '/accounts', { body: { email: 'New@Example.com', name: 'New' } })
    expect([status, body['email'], body['name']]).toEqual([201, 'new@example.com', 'New'])
    expect((await logIn('new@example.com', String(body['password']))).status).toBe(201)
    expect((await api.call('GET', '/accounts')).text).not.toContain(String(body['password']))
  })

  it.each([
    [{ email: 'nobody' }, /"nobody" is not an email address/],
    [{ email: 'a b@example.com' }, /not an email address/],
    [{ email: `${'a'.repeat(250)}@example.com` }, /not an email address/],
    [{ email: 'a\u0000@example.com' }, /not an email address/],
    [{ email: 'a@example\u202e.com' }, /not an email address/],
    [{ email: 'x@example.com', name: '\u001b]0;owned\u0007' }, /name must be one line of text/],
    [{ email: 'x@example.com', password: 'short' }, /8 to 1024 characters/],
    [{ email: 'ADMIN@example.com' }, /exists/],
    [{}, /"email" is missing/],
  ])('is not made from %j', async (body, message) => {
    const answer = await api.call('POST', '/accounts', { body })
    expect([answer.status, answer.body['message']]).toEqual([422, expect.stringMatching(message)])
  })

  it('changes its name, and its password only with the present one', async () => {
    const { token, account } = api.stranger('changing@example.com', 'battery staple')
    const change = (body: object) => api.call('PATCH', '/account', { token, body })
    expect((await change({ name: 'Changed' })).body['name']).toBe('Changed')
    expect((await change({ new_password: 'new password' })).status).toBe(403)
    expect((await change({ password: 'wrong', new_password: 'new password' })).status).toBe(403)
    expect((await change({ password: 'battery staple', new_password: 'new password' })).status).toBe(200)
    expect((await logIn(account.email, 'new password')).status).toBe(201)
    expect((await logIn(account.email, 'battery staple')).status).toBe(401)
  })
})

describe('a password that is changed', () => {
  it('ends the logins that were made with the old one, not the one that changes it, nor named tokens', async () => {
    const { account, token: named } = api.stranger('careful@example.com', 'battery staple')
    const login = async () => (await logIn(account.email, 'battery staple')).body['access_token'] as unknown as Secret
    const [here, elsewhere] = [await login(), await login()]
    const body = { password: 'battery staple', new_password: 'new password' }
    expect((await api.call('PATCH', '/account', { token: here.token, body })).status).toBe(200)
    const statuses = [here.token, elsewhere.token, named].map(async (token) => {
      return (await api.call('GET', '/account', { token })).status
    })
    expect(await Promise.all(statuses)).toEqual([200, 401, 200])
  })

  it('is the first one where there was none, and needs no other then', async () => {
    const { account, token } = api.stranger('first@example.com')
    const change = (body: object) => api.call('PATCH', '/account', { token, body })
    expect((await change({ new_password: 'short' })).status).toBe(422)
    expect((await change({ password: '', new_password: 'new password' })).status).toBe(200)
    expect((await logIn(account.email, 'new password')).status).toBe(201)
    expect((await change({ password: '', new_password: 'other password' })).status).toBe(403)
  })
})

describe('an account that is disabled', () => {
  const suspend = (email: string, suspended = true) => api.call('PATCH', `/accounts/${email}`, { body: { suspended } })

  it('is opened by neither password nor token, until it is enabled; its apps stay as they are', async () => {
    const { account, token } = api.stranger('away@example.com', 'battery staple')
    await api.createApp('of-away', token)
    const { body } = await suspend(account.email)
    expect(body).toMatchObject({ email: account.email, admin: false, suspended_at: expect.stringMatching(/^2/) })
    expect((await logIn(account.email, 'battery staple')).status).toBe(401)
    expect((await api.call('GET', '/account', { token })).status).toBe(401)
    expect((await api.call('POST', '/oauth/authorizations', { token, body: {} })).status).toBe(401)
    expect((await api.call('GET', '/apps/of-away')).body['owner']).toMatchObject({ email: account.email })
    expect((await suspend(account.email, false)).body['suspended_at']).toBeNull()
    expect((await logIn(account.email, 'battery staple')).status).toBe(201)
    expect((await api.call('GET', '/account', { token })).status).toBe(200)
  })

  it('cannot come to a one-off dyno it asked for before', () => {
    const { account } = api.stranger('typing@example.com')
    const app = api.store.apps.create({ name: 'typed', ownerId: account.id, stack: 'debian-13' })
    const { release } = api.deploy(app)
    const asked = { appId: app.id, releaseId: release.id, accountId: account.id, command: 'bash', env: {} }
    const { token } = api.store.oneOffs.create({ ...asked, size: 'basic', input: 'terminal', timeToLive: 60 })
    api.store.accounts.suspend(account.id)
    expect(api.store.oneOffs.redeem(token!)).toBeUndefined()
    api.store.accounts.restore(account.id)
    expect(api.store.oneOffs.redeem(token!)).toMatchObject({ command: 'bash' })
  })
})

describe('an account that is removed', () => {
  it('is gone with its tokens and roles, while what it did keeps its name, and its email is free', async () => {
    const { account, token } = api.stranger('gone@example.com')
    const { id } = api.store.apps.find((await api.createApp('stays'))['id'] as unknown as string)!
    api.store.collaborators.set(id, account.id, 'deploy')
    await api.call('PATCH', '/apps/stays/config-vars', { token, body: { A: '1' } })
    expect((await api.call('DELETE', `/accounts/${account.email}`)).body['email']).toBe(account.email)
    expect((await api.call('GET', '/account', { token })).status).toBe(401)
    expect((await api.call('GET', `/accounts/${account.id}`)).status).toBe(404)
    expect((await api.call('GET', '/accounts')).text).not.toContain(account.email)
    expect(api.store.collaborators.list(id)).toEqual([])
    const { body: releases } = await api.call('GET', '/apps/stays/releases', { headers: { range: 'version 2..' } })
    expect(releases[0]!['user']).toMatchObject({ email: account.email })
    expect((await api.call('POST', '/accounts', { body: { email: account.email } })).status).toBe(201)
  })

  it('is none while it owns apps: the answer says which, and what to type', async () => {
    const { account, token } = api.stranger('owns@example.com')
    for (const name of ['owned-b', 'owned-a']) await api.createApp(name, token)
    const { status, body } = await api.call('DELETE', `/accounts/${account.email}`)
    expect([status, body['id']]).toEqual([422, 'invalid_params'])
    expect(body['message']).toMatch(
      /^owns@example\.com owns owned-a, owned-b\. .*paas apps:transfer EMAIL -a owned-a.*paas transfers:accept owned-a/,
    )
    expect((await api.call('GET', '/account', { token })).status).toBe(200)
  })
})

describe('other accounts', () => {
  it('are closed to all but admins, who can close and remove any but their own', async () => {
    const { account, token } = api.stranger('plain@example.com')
    const path = `/accounts/${account.email}`
    for (const [method, body] of [['GET'], ['PATCH', { suspended: true }], ['DELETE']] as const) {
      expect((await api.call(method, path, { token, body })).status).toBe(403)
      expect((await api.call(method, '/accounts/nobody@example.com', { body })).status).toBe(404)
    }
    expect((await api.call('GET', path)).body['id']).toBe(account.id)
    for (const [method, body] of [['PATCH', { suspended: true }], ['DELETE']] as const) {
      const { status, body: said } = await api.call(method, '/accounts/admin@example.com', { body })
      expect([status, said['message']]).toEqual([403, expect.stringContaining('your own account')])
    }
  })
})

describe('the first start', () => {
  const notes: string[] = []
  const log = createLog('test', 'silent')
  const welcome = (config: Config = api.config, store: Store = api.store) =>
    welcomeAdmin({ store, config, log, logins: ownLogins(config), note: (text) => notes.push(text) })
  const read = () =>
    JSON.parse(readFileSync(api.config.credentialsFile, 'utf8')) as {
      servers: Record<string, { token: string; email: string }>
      default: string
    }

  it('makes an account, and says a link that logs a browser in as it; later starts say none', async () => {
    await using fresh = await TestApi.start()
    fresh.store.accounts.remove(fresh.admin.id)
    await welcome(fresh.config, fresh.store)
    const [link] = notes.splice(0)
    expect(link).toMatch(/once within ten minutes: http:\/\/localhost:8080\/dashboard\/welcome\?key=paas-[\w-]{43}$/)
    await welcome(fresh.config, fresh.store)
    expect(notes).toEqual([])
  })

  it('logs the command of this machine in, beside the logins of other servers', async () => {
    mkdirSync(dirname(api.config.credentialsFile), { recursive: true })
    const other = { token: 'theirs', email: 'me@example.com' }
    const before = { servers: { 'https://other.example.com': other }, default: 'https://other.example.com' }
    writeFileSync(api.config.credentialsFile, JSON.stringify(before))
    await welcome()
    const { servers, default: usual } = read()
    expect(usual).toBe('https://other.example.com')
    expect(servers['https://other.example.com']).toEqual(other)
    expect(api.store.tokens.authenticate(servers[api.config.publicUrl]!.token)?.account.email).toBe('admin@example.com')
    expect(statSync(api.config.credentialsFile).mode & 0o777).toBe(0o600)
  })

  it('is remembered: the next one leaves a login that works', async () => {
    const before = read()
    await welcome()
    expect(read()).toEqual(before)
  })

  it('replaces a login that no longer works', async () => {
    const { servers } = read()
    servers[api.config.publicUrl]!.token = 'of a data directory that is gone'
    writeFileSync(api.config.credentialsFile, JSON.stringify({ servers }))
    await welcome()
    const after = read()
    expect(after.default).toBe(api.config.publicUrl)
    expect(api.store.tokens.authenticate(after.servers[api.config.publicUrl]!.token)).toBeDefined()
  })

  it('leaves a file that is not one alone, and no token behind', async () => {
    writeFileSync(api.config.credentialsFile, 'not json')
    const tokens = api.store.tokens.list(api.admin.id).length
    await welcome()
    expect(readFileSync(api.config.credentialsFile, 'utf8')).toBe('not json')
    expect(api.store.tokens.list(api.admin.id)).toHaveLength(tokens)
    const config = { ...api.config, credentialsFile: `${api.config.paths.key}/none/credentials.json` }
    await welcome(config)
    expect(existsSync(config.credentialsFile)).toBe(false)
    expect(api.store.tokens.list(api.admin.id)).toHaveLength(tokens)
  })
})

it('shows every route of its own', () => expectAllSeen('accounts/accounts.test.ts'))
