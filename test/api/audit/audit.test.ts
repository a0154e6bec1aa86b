import { describe, expect, it } from 'vitest'
import { actionOf } from '../../../src/api/audit/act.ts'
import { FailedLogins } from '../../../src/api/audit/failed-logins.ts'
import { auditHash } from '../../../src/model/audit.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

const api = await TestApi.forFile()

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
const entriesOf = async (app: string, token = api.token): Promise<Json[]> =>
  (await api.call('GET', `/apps/${app}/audit-entries`, { token })).body as unknown as Json[]
const newest = async (query = ''): Promise<Json> =>
  (await api.call('GET', `/audit-entries?limit=1${query}`)).body[0] as Json

const basic = (email: string, password: string) => ({
  token: null,
  headers: {
    authorization: `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`,
    'x-forwarded-for': '198.51.100.7, 203.0.113.9',
  },
})

describe('the audit log', () => {
  it('has who did what from where, for an app that is made, changed and destroyed', async () => {
    await api.call('POST', '/apps', { body: { name: 'acme' }, ...from('203.0.113.4') })
    const { id } = api.store.apps.find('acme')!
    await api.call('PATCH', '/apps/acme', { body: { maintenance: true }, ...from('2001:db8::1') })
    await api.call('DELETE', '/apps/acme')
    const found = (await api.call('GET', '/audit-entries?limit=3')).body as unknown as Json[]
    expect(found).toMatchObject([
      {
        action: 'apps.create',
        app: { id, name: 'acme' },
        detail: { name: 'acme' },
        client: '203.0.113.4',
        via: 'token',
      },
      { action: 'apps.update', app: { name: 'acme' }, detail: { maintenance: true }, client: '2001:db8:0:0::/64' },
      { action: 'apps.destroy', app: { name: 'acme' }, failure: null },
    ])
    for (const { account } of found) expect(account).toEqual({ id: api.admin.id, email: 'admin@example.com' })
  })

  it('names the config vars that were set and unset, and never has a value', async () => {
    await api.createApp('configured')
    const secret = 'hunter2-hunter2'
    await api.call('PATCH', '/apps/configured/config-vars', { body: { TOKEN: secret, OTHER: secret } })
    await api.call('PATCH', '/apps/configured/config-vars', { body: { OTHER: null, TOKEN: `${secret}!` } })
    const entries = await entriesOf('configured')
    expect(entries.slice(1).map(({ detail }) => detail)).toEqual([
      { set: ['TOKEN', 'OTHER'] },
      { set: ['TOKEN'], unset: ['OTHER'] },
    ])
    expect(JSON.stringify(entries)).not.toContain('hunter2')
  })

  it('has the host of an address, not what is secret in it, and no password', async () => {
    await api.createApp('drained')
    const url = 'syslog+tls://user:hunter2@logs.example.com:6514'
    await api.call('POST', '/apps/drained/log-drains', { body: { url } })
    await api.call('POST', '/accounts', { body: { email: 'new@example.com', password: 'hunter2-hunter2' } })
    const all = (await api.call('GET', '/audit-entries')).text
    expect(all).toContain('logs.example.com:6514')
    expect(all).toContain('"email":"new@example.com"')
    expect(all).not.toContain('hunter2')
  })

  it('has no entry of what only looks, is refused, or changes nothing', async () => {
    await api.createApp('quiet')
    const before = await entriesOf('quiet')
    await api.call('GET', '/apps/quiet/config-vars')
    await api.call('POST', '/apps/quiet/log-sessions', { body: {} })
    await api.call('PATCH', '/apps/quiet', { body: { name: 'Not A Name' } })
    await api.call('PATCH', '/apps/quiet', { body: { unknown: true } })
    expect(await entriesOf('quiet')).toEqual(before)
  })

  it('has logins with the network that the router saw, and those that failed without what was typed', async () => {
    const login = (password: string, email = 'admin@example.com') =>
      api.call('POST', '/oauth/authorizations', { body: {}, ...basic(email, password) })
    expect((await login('wrong horse')).status).toBe(401)
    expect(await newest()).toMatchObject({ action: 'login.fail', account: { email: 'admin@example.com' }, via: 'none' })
    expect((await login('wrong horse', 'my@secret.password')).status).toBe(401)
    const failed = await newest()
    expect(failed).toMatchObject({ action: 'login.fail', account: null, client: '203.0.113.9' })
    expect(JSON.stringify(failed)).not.toContain('secret')
    const { body } = await login('correct horse')
    expect(await newest()).toMatchObject({ action: 'login', via: 'password', resource: String(body['id']) })
    const token = String(body['access_token']!['token'])
    await api.call('POST', '/apps', { body: { name: 'by-session' }, token })
    expect(await newest()).toMatchObject({ action: 'apps.create', via: 'session', token: String(body['id']) })
  })

  it('has no more failed logins in an hour than it has room for', () => {
    let now = 0
    const failures = new FailedLogins(api.store, () => now)
    const written = () => api.store.audit.list({ client: '192.0.2.77' }, 1000).length
    for (let attempt = 0; attempt < 600; attempt += 1)
      failures.note({ client: '192.0.2.77', email: 'x@y.z' }, 'unauthorized')
    expect(written()).toBe(500)
    now += 3_600_001
    failures.note({ client: '192.0.2.77', email: 'x@y.z' }, 'unauthorized')
    expect(written()).toBe(501)
  })

  it('of an app is for who may see it, of the server for admins', async () => {
    await api.createApp('shared')
    const { token, account } = api.stranger()
    expect((await api.call('GET', '/apps/shared/audit-entries', { token })).status).toBe(404)
    api.store.collaborators.set(api.store.apps.find('shared')!.id, account.id, 'view')
    expect(await entriesOf('shared', token)).toHaveLength(1)
    expect((await api.call('GET', '/audit-entries', { token })).status).toBe(403)
    expect((await api.call('GET', '/audit-verdict', { token })).status).toBe(403)
  })

  it('is filtered, and says which filter is wrong', async () => {
    const { body } = await api.call('GET', '/audit-entries?account=admin@example.com&action=apps&limit=1000')
    expect((body as unknown as Json[]).every(({ action }) => String(action).startsWith('apps.'))).toBe(true)
    for (const query of ['since=yesterday', 'limit=-1', 'color=red', 'after=x']) {
      expect((await api.call('GET', `/audit-entries?${query}`)).status).toBe(422)
    }
  })

  it('can be checked by anybody: an entry without its hash has this SHA-256, and the next one has it too', async () => {
    const { body } = await api.call('GET', '/audit-entries?after=0&limit=1000')
    const entries = body as unknown as (Json & { hash: string; previous: string })[]
    let previous = '0'.repeat(64)
    for (const entry of entries) {
      expect(entry.previous).toBe(previous)
      previous = entry.hash
      expect(auditHash(JSON.stringify(entry).replace(`,"hash":"${entry.hash}"`, ''))).toBe(entry.hash)
    }
    const verdict = (await api.call('GET', '/audit-verdict')).body
    expect(verdict).toMatchObject({ entries: entries.length, broken: null })
  })

  it('names every request that changes something', () => {
    const changing = api.routes.filter((route) => /^(POST|PUT|PATCH|DELETE) /.test(route))
    const names = changing.map(actionOf)
    expect(names.filter((name) => !/^[a-z_-]+\.[a-z-]+$/.test(name))).toEqual([])
    expect(actionOf('POST /addons/:addon/actions/rotate')).toBe('addons.rotate')
    expect(actionOf('DELETE /apps/:app/dynos')).toBe('dynos.restart')
    expect(actionOf('PUT /client/v11/databases/:database/reset')).toBe('reset.update')
  })

  it('shows every route of its own', () => expectAllSeen('audit/audit.test.ts'))
})
