import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile({ PAAS_ALLOW_DELIVERIES: '10.1.0.0/16' })

const secret = 'https://user:hunter2@192.88.98.1/logs'

async function add(app: string, url: unknown = secret) {
  return api.call('POST', `/apps/${app}/log-drains`, { body: { url } })
}

describe('the drains of an app', () => {
  it('are added, listed, found by id, token and URL, and removed, and each time the worker is woken', async () => {
    const { id: appId } = await api.createApp('drained')
    await api.takeJobs()
    const { status, body } = await add('drained')
    expect([status, body]).toMatchObject([201, { url: secret, token: expect.stringMatching(/^d\.[\da-f-]{36}$/) }])
    expect(await api.takeJobs()).toEqual([{ kind: 'drains', appId }])
    const path = '/apps/drained/log-drains'
    expect((await api.call('GET', path)).body).toEqual([body])
    for (const name of [body['id'], body['token'], secret]) {
      const found = await api.call('GET', `${path}/${encodeURIComponent(String(name))}`)
      expect(found.body).toEqual(body)
    }
    const removed = await api.call('DELETE', `${path}/${encodeURIComponent(secret)}`)
    expect([removed.status, removed.body]).toEqual([200, body])
    expect(await api.takeJobs()).toEqual([{ kind: 'drains', appId }])
    expect((await api.call('GET', path)).body).toEqual([])
    expect((await api.call('DELETE', `${path}/${String(body['id'])}`)).status).toBe(404)
  })

  it('keep their passwords out of the database file, the app’s log and the sight of a token without secrets', async () => {
    await api.createApp('discreet')
    const { body } = await add('discreet')
    for (const file of [api.config.paths.database, `${api.config.paths.database}-wal`]) {
      expect(readFileSync(file, 'latin1')).not.toContain('hunter2')
    }
    const session = await api.call('POST', '/apps/discreet/log-sessions', { body: { source: 'app' } })
    const { pathname, search } = new URL(String(session.body['logplex_url']))
    const shown = async () => (await api.call('GET', `${pathname}${search}`, { token: null })).text
    await expect
      .poll(shown)
      .toContain(`app[api]: Add drain ${String(body['id'])} (https://192.88.98.1) by user admin@example.com`)
    expect(await shown()).not.toContain('hunter2')
    const token = api.tokenOf(api.admin, ['read', 'write'])
    expect((await api.call('GET', '/apps/discreet/log-drains', { token })).status).toBe(403)
  })

  it.each(['syslog://1.1.1.1', 'syslog+tls://1.1.1.1:6514', 'http://[2606:4700::1111]/x', 'https://10.1.2.3/'])(
    'may be %s',
    async (url) => {
      const { name } = await api.createApp()
      expect((await add(String(name), url)).status).toBe(201)
    },
  )

  it.each([
    'https://127.0.0.1/',
    'https://localhost:8080/',
    'syslog://[::1]:514',
    'http://169.254.169.254/latest/meta-data/',
    'syslog+tls://10.2.0.1',
    'https://[fd00::1]/',
    'http://2130706433/',
    'syslog://0x7f.0.0.1:514',
    'https://[::ffff:10.2.3.4]/',
  ])('may not be %s, which is not on the public internet', async (url) => {
    const { name } = await api.createApp()
    const { status, body } = await add(String(name), url)
    expect([status, body['id']]).toEqual([422, 'address_forbidden'])
    expect((await api.call('GET', `/apps/${String(name)}/log-drains`)).body).toEqual([])
  })

  it.each([
    '',
    'logs.example.com',
    'ftp://1.1.1.1/',
    'file:///etc/passwd',
    'https://',
    'https:1.1.1.1',
    'syslog://',
    'syslog://1.1.1.1:0',
    'syslog://1.1.1.1:99999',
    'syslog://a b',
    'syslog://$(id)',
    `https://1.1.1.1/${'x'.repeat(1000)}`,
    7,
    null,
  ])('may not be %j, which is no such URL', async (url) => {
    const { name } = await api.createApp()
    const { status, body } = await add(String(name), url)
    expect([status, body['id']]).toEqual([422, 'invalid_params'])
  })

  it('are five at most, none twice', async () => {
    await api.createApp('many')
    for (let n = 1; n <= 4; n++) expect((await add('many', `https://1.1.1.1/${n}`)).status).toBe(201)
    expect((await add('many', 'https://1.1.1.1/4')).body['message']).toBe('many has a drain with this URL already.')
    expect((await add('many', 'https://1.1.1.1/5')).status).toBe(201)
    expect((await add('many', 'https://1.1.1.1/6')).body['message']).toContain('has 5 drains, the limit')
  })

  it('are not those of another app, nor anybody else’s', async () => {
    await api.createApp('mine')
    await api.createApp('other')
    const { body } = await add('mine')
    expect((await api.call('GET', `/apps/other/log-drains/${String(body['id'])}`)).status).toBe(404)
    const { token } = api.stranger()
    expect((await api.call('GET', '/apps/mine/log-drains', { token })).status).toBe(404)
    expect((await api.call('POST', '/apps/mine/log-drains', { token, body: { url: secret } })).status).toBe(404)
  })
})

it('shows every route of its own', () => expectAllSeen('logs/drains.test.ts'))
