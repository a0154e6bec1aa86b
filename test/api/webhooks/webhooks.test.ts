import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Passes } from '../../../src/api/http/passes.ts'
import { describeChange } from '../../../src/api/webhooks/webhook-changes.ts'
import { newsworthy } from '../../../src/api/webhooks/webhook-events.ts'
import { Grants } from '../../../src/grants/grants.ts'
import { createLog } from '../../../src/log.ts'
import type { AddonId } from '../../../src/model/ids.ts'
import type { DynoLife } from '../../../src/model/dyno.ts'
import { createOutbound } from '../../../src/outbound/outbound.ts'
import { Webhooks } from '../../../src/webhooks/webhooks.ts'
import { HttpReceiver } from '../../outbound/receiver.ts'
import { expectAllSeen } from '../answers.ts'
import { schemaProblems } from '../heroku-schema.ts'
import { TestApi, type Json } from '../test-api.ts'

let api: TestApi
let receiver: HttpReceiver
let webhooks: Webhooks

beforeAll(async () => {
  api = await TestApi.start({ PAAS_ALLOW_DELIVERIES: '127.0.0.1/32' })
  receiver = await HttpReceiver.start()
  const { config, store } = api
  const addresses = { passes: new Passes(store.secretFor('signed paths')), grants: new Grants(store) }
  webhooks = new Webhooks({
    store,
    outbound: createOutbound(config),
    describe: (change) => describeChange({ store, config, ...addresses }, change),
    log: createLog('test', 'silent'),
  })
})
afterAll(async () => {
  await webhooks[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

const url = (path = '') => `http://127.0.0.1:${receiver.port}/${path}`

async function add(app: string, more: object = {}) {
  const body = { include: ['api:app', 'api:build', 'api:release'], level: 'sync', url: url(app), ...more }
  return api.call('POST', `/apps/${app}/webhooks`, { body })
}

/** What arrived for an app, in order of the events. */
function news(app: string): Json[] {
  const bodies = receiver.requests.filter(({ path }) => path === `/${app}`).map(({ body }) => JSON.parse(body) as Json)
  return bodies.toSorted((a, b) => Number(a['sequence']) - Number(b['sequence']))
}

it('the routes whose answers are news exist', () => {
  expect(Object.keys(newsworthy).filter((route) => !api.routes.includes(route))).toEqual([])
})

describe('a webhook', () => {
  it('is told of releases and builds whoever makes them, signed, with the resource as the API shows it', async () => {
    await api.createApp('told')
    const { headers } = await add('told', { secret: 'key', authorization: 'Bearer abc' })
    expect(headers['heroku-webhook-secret']).toBe('key')
    const { release } = api.deploy(api.store.apps.find('told')!)
    await expect.poll(() => news('told').length).toBe(4)
    expect(news('told').map(({ resource, action }) => [resource, action])).toEqual([
      ['build', 'create'],
      ['release', 'create'],
      ['release', 'update'],
      ['build', 'update'],
    ])
    expect(news('told').map(({ data }) => data?.['status'])).toEqual(['pending', 'pending', 'succeeded', 'succeeded'])
    for (const { resource, data } of news('told')) expect(schemaProblems(String(resource), data)).toEqual([])
    const update = news('told')[2]!
    expect(update).toMatchObject({
      action: 'update',
      actor: { email: 'admin@example.com', id: api.admin.id },
      data: { id: release.id, status: 'succeeded', version: 2 },
      previous_data: { status: 'pending' },
      version: 'application/vnd.heroku+json; version=3',
      webhook_metadata: { event: { include: 'api:release' } },
    })
    const { body, headers: sent } = receiver.requests.find(({ path }) => path === '/told')!
    expect(sent).toMatchObject({
      'content-type': 'application/json',
      'heroku-webhook-hmac-sha256': createHmac('sha256', 'key').update(body).digest('base64'),
      authorization: 'Bearer abc',
    })
  })

  it('is told of what a request changed, before the answer is there, and only of what it includes', async () => {
    await api.createApp('changed')
    api.deploy(api.store.apps.find('changed')!)
    await add('changed', { include: ['api:app', 'api:formation'] })
    await api.call('PATCH', '/apps/changed/formation', { body: { updates: [{ type: 'web', quantity: 3 }] } })
    await api.call('PATCH', '/apps/changed/config-vars', { body: { KEY: 'secret value' } })
    await api.call('PATCH', '/apps/changed', { body: { maintenance: 'no' } })
    await api.call('PATCH', '/apps/changed', { body: { maintenance: true } })
    const { body: events } = await api.call('GET', '/apps/changed/webhook-events')
    expect(events.map(({ include }) => include)).toEqual(['api:formation', 'api:app'])
    await expect.poll(() => news('changed').length).toBe(2)
    expect(news('changed')).toMatchObject([
      { action: 'update', resource: 'formation', data: { type: 'web', quantity: 3, app: { name: 'changed' } } },
      { action: 'update', resource: 'app', data: { name: 'changed', maintenance: true } },
    ])
    const id = String(events[0]!['id'])
    expect((await api.call('GET', `/apps/changed/webhook-events/${id}`)).body).toEqual(events[0])
    const { body: deliveries } = await api.call('GET', '/apps/changed/webhook-deliveries', {
      headers: { range: 'seq ..; order=desc,max=1000' },
    })
    expect(deliveries).toMatchObject([
      { event: { include: 'api:app' } },
      { event: { id }, num_attempts: 1, status: 'succeeded', last_attempt: { code: 204, status: 'succeeded' } },
    ])
    const path = `/apps/changed/webhook-deliveries/${String(deliveries[1]!['id'])}`
    expect((await api.call('GET', path)).body).toEqual(deliveries[1])
    expect((await api.call('GET', path.replace('changed', 'told'))).status).toBe(404)
  })

  it('is told of the process types that a deploy adds and removes', async () => {
    await api.createApp('typed')
    await add('typed', { include: ['api:formation'] })
    const app = api.store.apps.find('typed')!
    api.deploy(app)
    await expect.poll(() => news('typed').length).toBe(2)
    api.store.formations.sync(app.id, ['web'])
    await expect.poll(() => news('typed').length).toBe(3)
    expect(news('typed').map(({ action, data }) => [action, data?.['type'], data?.['quantity']])).toEqual([
      ['update', 'web', 1],
      ['update', 'worker', 0],
      ['destroy', 'worker', 0],
    ])
    for (const { data } of news('typed')) expect(schemaProblems('formation', data)).toEqual([])
    expect(news('typed')[0]).toMatchObject({ actor: { id: api.admin.id }, data: { command: 'npm start' } })
  })

  it('is told of add-ons and attachments, whoever asks for them, and that one is there', async () => {
    await api.createApp('stored')
    await add('stored', { include: ['api:addon', 'api:addon-attachment'] })
    const { body: made } = await api.call('POST', '/apps/stored/addons', { body: { plan: 'heroku-redis' } })
    const id = made['id'] as unknown as AddonId
    api.store.addons.setSecrets(id, { ...api.store.addons.secrets(id), config: { URL: 'redis://secret' } })
    api.store.addons.setState(id, { kind: 'provisioned', work: null })
    await expect.poll(() => news('stored').length).toBe(3)
    await api.call('POST', '/addon-attachments', { body: { addon: String(id), app: 'stored', name: 'QUEUE' } })
    await api.call('PATCH', `/apps/stored/addons/${String(id)}`, { body: { plan: 'premium-0' } })
    await expect.poll(() => news('stored').length).toBe(5)
    await api.call('DELETE', `/apps/stored/addons/${String(id)}`)
    await expect.poll(() => news('stored').length).toBe(8)
    const told = news('stored').map(({ resource, action, data }) => [
      resource,
      action,
      data?.['state'] ?? data?.['name'],
    ])
    const lines = (all: unknown[][]): string[] => all.map((one) => one.join(' ')).toSorted()
    expect(lines(told)).toEqual(
      lines([
        ['addon', 'create', 'provisioning'],
        ['addon-attachment', 'create', 'REDIS'],
        ['addon', 'update', 'provisioned'],
        ['addon-attachment', 'create', 'QUEUE'],
        ['addon', 'update', 'provisioned'],
        ['addon', 'destroy', 'deprovisioned'],
        ['addon-attachment', 'destroy', 'REDIS'],
        ['addon-attachment', 'destroy', 'QUEUE'],
      ]),
    )
    expect(news('stored')[2]).toMatchObject({
      data: { config_vars: ['REDIS_URL'] },
      previous_data: { state: 'provisioning' },
    })
    expect(JSON.stringify(news('stored'))).not.toContain('redis://secret')
    for (const { resource, data } of news('stored'))
      expect(schemaProblems(String(resource).replace('addon', 'add-on'), data)).toEqual([])
  })

  it('is told of a one-off dyno that was asked for, but neither its command nor how to attach to it', async () => {
    await api.createApp('asked')
    api.deploy(api.store.apps.find('asked')!)
    await add('asked', { include: ['api:dyno'] })
    const { body } = await api.call('POST', '/apps/asked/dynos', { body: { command: 'bash', attach: true } })
    expect(body['attach_url']).toMatch(/^rendezvous:/)
    await expect.poll(() => news('asked').length).toBe(1)
    const data = { ...(body as object), attach_url: null, command: '' }
    expect(news('asked')[0]).toMatchObject({ action: 'create', resource: 'dyno', data })
  })

  it('is told that its app is destroyed, though it goes with it', async () => {
    await api.createApp('doomed')
    const { id } = api.store.apps.find('doomed')!
    await add('doomed')
    await api.call('DELETE', '/apps/doomed')
    api.store.apps.remove(id)
    await expect
      .poll(() => news('doomed'))
      .toMatchObject([
        { action: 'destroy', resource: 'app', data: { id, name: 'doomed' }, actor: { id: api.admin.id } },
      ])
    await expect.poll(() => api.store.webhooks.list(id)).toEqual([])
    expect(api.store.webhookDeliveries.listEvents(id)).toEqual([])
  })

  it('is listed, changed and removed, and makes up a secret if it is given none', async () => {
    await api.createApp('kept')
    const { body, headers } = await add('kept')
    expect(headers['heroku-webhook-secret']).toMatch(/^[\da-f]{64}$/)
    const path = `/apps/kept/webhooks/${String(body['id'])}`
    expect((await api.call('GET', '/apps/kept/webhooks')).body).toEqual([body])
    expect((await api.call('GET', path)).body).toEqual(body)
    const change = { include: ['api:release'], level: 'notify', url: url('else'), secret: null, authorization: null }
    const changed = await api.call('PATCH', path, { body: change })
    expect(changed.body).toMatchObject({ include: ['api:release'], level: 'notify', url: url('else') })
    expect(changed.headers['heroku-webhook-secret']).not.toBe(headers['heroku-webhook-secret'])
    expect((await api.call('PATCH', path, { body: {} })).headers['heroku-webhook-secret']).toBeUndefined()
    expect((await api.call('DELETE', path)).status).toBe(200)
    expect((await api.call('DELETE', path)).status).toBe(404)
  })

  it('keeps its secrets out of the database file and of every answer', async () => {
    await api.createApp('sealed')
    const { body, text } = await add('sealed', {
      url: 'https://1.1.1.1/hunter1',
      secret: 'hunter2',
      authorization: 'hunter3',
    })
    for (const file of [api.config.paths.database, `${api.config.paths.database}-wal`]) {
      expect(readFileSync(file, 'latin1')).not.toMatch(/hunter[123]/)
    }
    expect(text).not.toMatch(/hunter[23]/)
    expect((await api.call('GET', `/apps/sealed/webhooks/${String(body['id'])}`)).text).not.toMatch(/hunter[23]/)
    const token = api.tokenOf(api.admin, ['read', 'write'])
    expect((await api.call('GET', '/apps/sealed/webhooks', { token })).status).toBe(403)
  })

  it.each([
    [{ url: 'http://127.0.0.2/' }, 'address_forbidden'],
    [{ url: 'http://169.254.169.254/' }, 'address_forbidden'],
    [{ url: 'syslog://1.1.1.1' }, 'invalid_params'],
    [{ url: 'nonsense' }, 'invalid_params'],
    [{ include: [] }, 'invalid_params'],
    [{ include: ['api:everything'] }, 'invalid_params'],
    [{ include: 'api:app' }, 'invalid_params'],
    [{ level: 'often' }, 'invalid_params'],
    [{ authorization: 'Bearer a\r\nHost: b' }, 'invalid_params'],
    [{ secret: '' }, 'invalid_params'],
    [{ secrets: 'x' }, 'invalid_params'],
  ])('with %j is refused', async (more, code) => {
    const { name } = await api.createApp()
    const { status, body } = await add(String(name), more)
    expect([status, body['id']]).toEqual([422, code])
    expect((await api.call('GET', `/apps/${String(name)}/webhooks`)).body).toEqual([])
  })

  it('is one of ten at most', async () => {
    await api.createApp('crowded')
    for (let n = 0; n < 10; n++) expect((await add('crowded')).status).toBe(201)
    expect((await add('crowded')).body['message']).toContain('has 10 webhooks, the limit')
  })
})

describe('a webhook with dyno', () => {
  const facts = { uuid: randomUUID(), name: 'web.1', type: 'web', size: 'basic', release: 2, attached: false }
  const told = (app: string) =>
    news(app).map(({ action, data, previous_data: before }) => [
      action,
      data?.['state'],
      before?.['state'],
      data?.['exit_status'],
    ])

  /** An app with such a webhook, and what its worker would write down of a dyno. */
  async function watched(name: string) {
    await api.createApp(name)
    const app = api.store.apps.find(name)!
    api.deploy(app)
    await add(name, { include: ['dyno'] })
    const put = (state: DynoLife, exitStatus: number | null = null, more: object = {}) =>
      api.store.dynoStates.put(
        { id: name, appId: app.id, ...facts, ...more },
        { state, exitStatus, error: null, since: new Date() },
      )
    return { put, forget: () => api.store.dynoStates.forget(name) }
  }

  it('is told of its whole life, in the form Heroku uses', async () => {
    const { put, forget } = await watched('lively')
    put('starting')
    put('up')
    await expect.poll(() => news('lively').length).toBe(2)
    put('stopping')
    await expect.poll(() => news('lively').length).toBe(3)
    put('stopped', 143)
    forget()
    await expect
      .poll(() => told('lively'))
      .toEqual([
        ['create', 'starting', undefined, null],
        ['update', 'up', 'starting', null],
        ['update', 'stopping', 'up', null],
        ['destroy', 'down', undefined, 143],
      ])
    expect(news('lively')[1]).toMatchObject({
      resource: 'dyno',
      actor: { email: 'noreply@localhost' },
      data: {
        app: { name: 'lively' },
        command: 'npm start',
        id: facts.uuid,
        management: 'formation',
        name: 'web.1',
        release: { version: 2 },
        size: 'Basic',
        type: 'web',
      },
      webhook_metadata: { event: { include: 'dyno' } },
    })
  })

  it('is told of a one-off dyno that failed before anybody looked', async () => {
    const { put, forget } = await watched('brief')
    put('complete', 7, { name: 'run.1234', type: 'run' })
    forget()
    await expect
      .poll(() => told('brief'))
      .toEqual([
        ['create', 'starting', undefined, null],
        ['destroy', 'crashed', undefined, 7],
      ])
    expect(news('brief')[0]).toMatchObject({ data: { command: '', management: 'run:detached', type: 'run' } })
  })

  it('is told nothing of what was before it', async () => {
    const { put } = await watched('late')
    await api.createApp('unwatched')
    const { id: appId } = api.store.apps.find('unwatched')!
    const change = { state: 'up', since: new Date(), exitStatus: null, error: null } as const
    api.store.dynoStates.put({ ...facts, id: 'other', appId }, change)
    await add('unwatched', { include: ['dyno'] })
    api.store.dynoStates.put({ ...facts, id: 'other', appId }, { ...change, state: 'stopping' })
    put('starting')
    await expect.poll(() => told('unwatched')).toEqual([['update', 'stopping', 'up', null]])
  })
})

it('shows every route of its own', () => expectAllSeen('webhooks/webhooks.test.ts'))
