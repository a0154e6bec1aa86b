import { describe, expect, it } from 'vitest'
import type { Addon } from '../../../src/model/addon.ts'
import type { AddonId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

const api = await TestApi.forFile()
let apps = 0

async function newApp(): Promise<string> {
  const name = `acme-${++apps}`
  await api.newApp(name)
  return name
}

async function create(app: string, body: object = {}, more: object = {}): Promise<Json> {
  const answer = await api.call('POST', `/apps/${app}/addons`, {
    body: { plan: 'heroku-postgresql', ...body },
    ...more,
  })
  expect([answer.status, answer.text]).toEqual([201, answer.text])
  return answer.body
}

/** As the worker does once it answers. */
function provision(id: unknown, config: Record<string, string> = { URL: 'postgres://here' }): Addon {
  const { addons } = api.store
  const secrets = addons.secrets(id as AddonId)
  addons.setSecrets(id as AddonId, { ...secrets, config })
  addons.setState(id as AddonId, { kind: 'provisioned', work: null })
  return addons.find(id as AddonId)!
}

async function refusal(method: string, path: string, body?: object, token?: string) {
  const answer = await api.call(method, path, { ...(body && { body }), ...(token && { token }) })
  return { status: answer.status, id: answer.body['id'] as unknown as string, message: String(answer.body['message']) }
}

describe('services and plans', () => {
  it('are listed, and found by name, alias and id', async () => {
    const { body: services } = await api.call('GET', '/addon-services')
    expect(services.map(({ name }) => name)).toEqual([
      'heroku-postgresql',
      'heroku-redis',
      'memcached',
      'mysql',
      'rabbitmq',
    ])
    const { body: one } = await api.call('GET', '/addon-services/redis')
    expect(one['name']).toBe('heroku-redis')
    expect((await api.call('GET', `/addon-services/${one['id']}`)).body).toEqual(one)
    const { body: plans } = await api.call('GET', '/addon-services/heroku-postgresql/plans')
    expect(plans.map((plan) => [plan['name'], plan['default']])[0]).toEqual(['heroku-postgresql:essential-0', true])
    const byName = await api.call('GET', '/addon-services/postgresql/plans/standard-0')
    expect(byName.body['description']).toBe('2048 MiB of memory, 65536 MiB of disk, 120 connections')
    expect((await api.call('GET', `/plans/${byName.body['id']}`)).body).toEqual(byName.body)
  })

  it('that do not exist are refused with those that do', async () => {
    expect(await refusal('GET', '/addon-services/mongodb')).toMatchObject({ status: 404, id: 'addon_service_unknown' })
    const { message } = await refusal('GET', '/plans/heroku-redis:giant')
    expect(message).toContain('heroku-redis has no plan "giant"; it has mini, premium-0, premium-1, premium-2.')
  })
})

describe('an add-on', () => {
  it('is being made at first, has the names that Heroku gives, and wakes the worker', async () => {
    const app = await newApp()
    const made = await create(app, { plan: { name: 'postgresql:essential-1' }, config: {}, attachment: {} })
    expect(made['name']).toMatch(/^postgresql-[a-z]+-\d{5}$/)
    expect(made).toMatchObject({
      state: 'provisioning',
      config_vars: [],
      plan: { name: 'heroku-postgresql:essential-1' },
    })
    expect(await api.takeJobs()).toEqual([{ kind: 'addons' }])
    provision(made['id'])
    const { body } = await api.call('GET', `/addons/${made['name']}`, {
      headers: { 'accept-expansion': 'other' },
    })
    expect(body).toMatchObject({ state: 'provisioned', config_vars: ['DATABASE_URL'] })
    expect((await api.call('GET', `/apps/${app}/addons`)).body).toHaveLength(1)
    expect((await api.call('GET', `/apps/${app}/addons/DATABASE`)).body['id']).toBe(made['id'])
    expect((await api.call('GET', `/apps/${app}/config-vars`)).body).toEqual({ DATABASE_URL: 'postgres://here' })
    const { body: config } = await api.call('GET', `/addons/${made['id']}/config`)
    expect(config).toEqual([{ name: 'URL', value: 'postgres://here' }])
    expect((await api.call('GET', '/addons')).body.map(({ id }) => id)).toContain(made['id'])
  })

  it('of which an app has one gets a name with a colour', async () => {
    const app = await newApp()
    await create(app)
    await create(app)
    const { body } = await api.call('GET', `/apps/${app}/addon-attachments`)
    expect(body.map(({ name }) => name)).toEqual(['DATABASE', expect.stringMatching(/^HEROKU_POSTGRESQL_[A-Z]+$/)])
  })

  it.each([
    ['jawsdb', 'JAWSDB_URL'],
    ['cleardb:essential-1', 'CLEARDB_DATABASE_URL'],
    ['mysql', 'DATABASE_URL'],
    ['rabbitmq', 'RABBITMQ_URL'],
  ])('asked for as %s gives %s', async (plan, variable) => {
    const app = await newApp()
    const { id } = await create(app, { plan })
    provision(id)
    expect((await api.call('GET', `/apps/${app}/config-vars`)).body).toEqual({ [variable]: 'postgres://here' })
  })

  it.each([
    [{ plan: 'heroku-postgresql:giant' }, 422, 'addon_plan_unknown'],
    [{ plan: 'mongodb' }, 404, 'addon_service_unknown'],
    [{ plan: 'heroku-postgresql', name: '../evil' }, 422, 'invalid_params'],
    [{ plan: 'heroku-postgresql', name: 'Ümlaut' }, 422, 'invalid_params'],
    [{ plan: 'heroku-postgresql', attachment: { name: 'A-B' } }, 422, 'invalid_params'],
    [{ plan: 'heroku-postgresql', config: { fork: 'DATABASE' } }, 422, 'invalid_params'],
    [{ plan: 'heroku-postgresql', config: { version: '9' } }, 422, 'addon_version_unknown'],
    [{ plan: 5 }, 422, 'invalid_params'],
  ])('asked for as %j is refused, and nothing is made', async (body, status, id) => {
    const app = await newApp()
    expect(await refusal('POST', `/apps/${app}/addons`, body)).toMatchObject({ status, id })
    expect((await api.call('GET', `/apps/${app}/addons`)).body).toEqual([])
  })

  it('has what more of its service is asked for, at once or later', async () => {
    const app = await newApp()
    const { id } = await create(app, { config: { postgis: 'true' } })
    expect(api.store.addons.find(id as unknown as AddonId)!.extras).toEqual(['postgis'])
    const other = await create(app)
    const path = `/apps/${app}/addons/${String(other['id'])}`
    await api.call('PATCH', path, { body: { config: { postgis: true } } })
    expect(api.store.addons.find(other['id'] as unknown as AddonId)!.extras).toEqual(['postgis'])
    for (const config of [{ postgis: '3' }, { timescaledb: true }])
      expect(await refusal('PATCH', path, { config })).toMatchObject({ status: 422, id: 'invalid_params' })
  })

  it('has a version that there is: the stack’s, without a source of others', async () => {
    const app = await newApp()
    const { id } = await create(app, { config: { version: 17 } })
    expect(api.store.addons.find(id as unknown as AddonId)!.version).toBe('17')
    const refused = await refusal('POST', `/apps/${app}/addons`, { plan: 'postgresql', config: { version: '15' } })
    expect(refused.message).toBe(
      'PostgreSQL has no version "15" here; there is 17. ' +
        "With a package source of the operator's there would be 14, 15, 16, 18, too.",
    )
    const path = `/apps/${app}/addons/${String(id)}`
    expect(await refusal('PATCH', path, { config: { version: '18' } })).toMatchObject({ id: 'invalid_params' })
  })

  it('whose name is taken is refused', async () => {
    const app = await newApp()
    await create(app, { name: 'taken-name' })
    const refused = await refusal('POST', `/apps/${await newApp()}/addons`, { plan: 'redis', name: 'taken-name' })
    expect(refused).toMatchObject({
      id: 'name_taken',
      message: 'There is an add-on taken-name already. Choose another name.',
    })
  })

  it('that is asked for once more, for want of an answer, is told as the one that the app has', async () => {
    const app = await newApp()
    const asked = { plan: 'heroku-postgresql', name: `${app}-db` }
    const { id } = await create(app, asked)
    const path = `/apps/${app}/addons`
    const being = `${app} has ${app}-db already, a heroku-postgresql:essential-0, which is being made.`
    const next = `See it with: paas addons:info ${app}-db -a ${app}`
    expect(await refusal('POST', path, asked)).toMatchObject({ id: 'name_taken', message: `${being} ${next}` })
    provision(id)
    const { message } = await refusal('POST', path, asked)
    expect(message).toBe(`${app} has ${app}-db already, a heroku-postgresql:essential-0. ${next}`)
    expect((await api.call('GET', path)).body).toHaveLength(1)
  })

  it('overwrites a config var of its name only if that is confirmed', async () => {
    const app = await newApp()
    await api.call('PATCH', `/apps/${app}/config-vars`, { body: { DATABASE_URL: 'postgres://elsewhere' } })
    const asked = { plan: 'heroku-postgresql', attachment: { name: 'DATABASE' } }
    const refused = await refusal('POST', `/apps/${app}/addons`, asked)
    expect(refused).toMatchObject({ id: 'confirmation_required' })
    await create(app, { ...asked, confirm: app })
    expect((await api.call('GET', `/apps/${app}/config-vars`)).body).toEqual({})
  })

  it('gives config vars that nobody else changes, and that no rollback brings back', async () => {
    const app = await newApp()
    const { id } = await create(app)
    const record = api.store.apps.find(app)!
    api.deploy(record)
    provision(id)
    const refused = await refusal('PATCH', `/apps/${app}/config-vars`, { DATABASE_URL: null, OTHER: 'x' })
    expect(refused).toMatchObject({ status: 422, id: 'config_invalid' })
    expect(refused.message).toContain('Cannot overwrite or unset DATABASE_URL')
    await api.call('POST', `/apps/${app}/releases`, { body: { release: 'v2' } })
    expect(api.store.releases.config(api.store.releases.list(record.id)[0]!.id)).toEqual({
      DATABASE_URL: 'postgres://here',
    })
  })

  it('is renamed, and gets another plan of its service only', async () => {
    const app = await newApp()
    const { id } = await create(app)
    const path = `/apps/${app}/addons/${id}`
    const { body } = await api.call('PATCH', path, { body: { name: 'main-database', plan: 'essential-2' } })
    expect(body).toMatchObject({ name: 'main-database', plan: { name: 'heroku-postgresql:essential-2' } })
    expect(await refusal('PATCH', path, { plan: 'redis:mini' })).toMatchObject({ id: 'invalid_params' })
  })

  it('is destroyed with its config vars, by an admin of its app alone', async () => {
    const app = await newApp()
    const { id } = await create(app)
    provision(id)
    const { account, token } = api.stranger('deployer@example.com')
    api.store.collaborators.set(api.store.apps.find(app)!.id, account.id, 'deploy')
    expect(await refusal('DELETE', `/apps/${app}/addons/${id}`, undefined, token)).toMatchObject({ id: 'forbidden' })
    const { body } = await api.call('DELETE', `/apps/${app}/addons/${id}`)
    expect(body['state']).toBe('deprovisioned')
    expect((await api.call('GET', `/apps/${app}/config-vars`)).body).toEqual({})
    expect(await refusal('GET', `/addons/${id}`)).toMatchObject({ status: 404, id: 'addon_not_found' })
    const { body: releases } = await api.call('GET', `/apps/${app}/releases`)
    expect(releases.at(-1)!['description']).toMatch(/^Detach DATABASE \(@postgresql-/)
  })

  it('that could not be made says why', async () => {
    const app = await newApp()
    const { id } = await create(app)
    api.store.addons.setState(id as unknown as AddonId, { kind: 'failed', reason: 'It did not answer.' })
    expect((await api.call('GET', `/addons/${id}`)).body).toMatchObject({
      state: 'deprovisioned',
      provision_message: 'It did not answer.',
    })
  })
})

describe('an attachment', () => {
  it('to another app gives that app the config vars, and holds the add-on', async () => {
    const [app, other] = [await newApp(), await newApp()]
    const { id, name } = await create(app)
    provision(id)
    const asked = { addon: { name }, app: { name: other }, name: 'MAIN' }
    const { body: made, status } = await api.call('POST', '/addon-attachments', { body: asked })
    expect([status, made['name']]).toEqual([201, 'MAIN'])
    expect((await api.call('GET', `/apps/${other}/config-vars`)).body).toEqual({ MAIN_URL: 'postgres://here' })
    expect((await api.call('GET', `/addons/${id}/addon-attachments`)).body).toHaveLength(2)
    expect((await api.call('GET', '/addon-attachments')).body.length).toBeGreaterThan(1)
    expect((await api.call('GET', `/addon-attachments/${made['id']}`)).body).toEqual(made)
    expect((await api.call('GET', `/apps/${other}/addon-attachments/MAIN_URL`)).body).toEqual(made)
    const destruction = await refusal('DELETE', `/apps/${app}/addons/${id}`)
    expect(destruction).toMatchObject({ id: 'addon_attached' })
    expect(destruction.message).toContain(`attached to other apps: ${other}.`)
    await api.call('DELETE', `/addon-attachments/${made['id']}`)
    expect((await api.call('GET', `/apps/${other}/config-vars`)).body).toEqual({})
  })

  it('that is the last one stays, and a name is not used twice', async () => {
    const app = await newApp()
    const { id } = await create(app)
    provision(id)
    const { body } = await api.call('GET', `/apps/${app}/addon-attachments/DATABASE`)
    expect(await refusal('DELETE', `/addon-attachments/${body['id']}`)).toMatchObject({ id: 'addon_attached' })
    const again = { addon: id, app, name: 'DATABASE' }
    expect(await refusal('POST', '/addon-attachments', again)).toMatchObject({ id: 'addon_attached' })
  })

  it('gives its name to another one if that is confirmed, unless it is the last of its add-on', async () => {
    const app = await newApp()
    const [first, second] = [await create(app), await create(app)]
    for (const { id } of [first, second]) provision(id)
    const promote = { addon: second['id'], app, name: 'DATABASE' }
    expect(await refusal('POST', '/addon-attachments', promote)).toMatchObject({ id: 'confirmation_required' })
    expect(await refusal('POST', '/addon-attachments', { ...promote, confirm: app })).toMatchObject({
      id: 'addon_attached',
    })
    await api.call('POST', '/addon-attachments', { body: { addon: first['id'], app } })
    const { status } = await api.call('POST', '/addon-attachments', { body: { ...promote, confirm: app } })
    expect(status).toBe(201)
  })
})

describe('a word', () => {
  it('means an add-on by its name, an attachment, a config var or the one of a service', async () => {
    const app = await newApp()
    const { id, name } = await create(app)
    provision(id)
    for (const addon of [name, id, 'DATABASE', 'DATABASE_URL', 'database', 'postgresql']) {
      const { body } = await api.call('POST', '/actions/addons/resolve', { body: { addon, app } })
      expect([addon, body.map((one) => one['id'])]).toEqual([addon, [id]])
    }
    const asked = { addon_attachment: 'DATABASE_URL', app, addon_service: 'heroku-postgresql' }
    const { body } = await api.call('POST', '/actions/addon-attachments/resolve', { body: asked })
    expect(body.map((one) => one['name'])).toEqual(['DATABASE'])
    for (const addon of ['x', '', "' OR 1=1", '%', '..']) {
      expect(await refusal('POST', '/actions/addons/resolve', { addon, app })).toMatchObject({ status: 404 })
    }
  })
})

describe('a stranger', () => {
  it('neither sees nor attaches the add-on of somebody else', async () => {
    const app = await newApp()
    const { id, name } = await create(app)
    provision(id)
    const { token } = api.stranger()
    const { body: theirs } = await api.call('POST', '/apps', { body: {}, token })
    for (const path of [
      `/addons/${name}`,
      `/addons/${id}/config`,
      `/addons/${id}/info`,
      `/client/v11/databases/${id}`,
    ]) {
      expect([path, await refusal('GET', path, undefined, token)]).toMatchObject([path, { status: 404 }])
    }
    const attach = { addon: id, app: theirs['id'] }
    expect(await refusal('POST', '/addon-attachments', attach, token)).toMatchObject({ id: 'addon_not_found' })
    expect((await api.call('GET', '/addons', { token })).body).toEqual([])
    expect(await refusal('POST', `/addons/${id}/actions/client`, {}, token)).toMatchObject({ status: 404 })
  })
})

describe('the data API', () => {
  it('tells of a database, its credential, and what it waits for', async () => {
    const app = await newApp()
    const { id, name } = await create(app)
    const database = `/client/v11/databases/${id}`
    expect((await api.call('GET', `${database}/wait_status`)).body).toMatchObject({ 'waiting?': true })
    expect(await refusal('GET', database)).toMatchObject({ id: 'invalid_params' })
    provision(id)
    const { body } = await api.call('GET', database)
    expect(body['info']).toContainEqual({ name: 'Status', values: ['Not running'] })
    const { body: all } = await api.call('GET', `/postgres/v0/databases/${name}/credentials`)
    const { body: one } = await api.call('GET', `/postgres/v0/databases/${name}/credentials/default`)
    expect(all).toEqual([one])
    expect(await refusal('GET', `/postgres/v0/databases/${name}/credentials/other`)).toMatchObject({ status: 404 })
  })

  it('notes what is to be done, once', async () => {
    const app = await newApp()
    const { id, name } = await create(app)
    provision(id)
    await api.takeJobs()
    await api.call('PUT', `/client/v11/databases/${id}/reset`, { body: {} })
    expect(api.store.addons.find(id as unknown as AddonId)!.state).toEqual({ kind: 'provisioned', work: 'reset' })
    await api.call('POST', `/postgres/v0/databases/${name}/credentials_rotation`)
    const { next } = api.store.addons.secrets(id as unknown as AddonId)
    await api.call('POST', `/postgres/v0/databases/${name}/credentials/default/credentials_rotation`)
    expect(api.store.addons.secrets(id as unknown as AddonId).next).toBe(next)
    expect(await api.takeJobs()).toContainEqual({ kind: 'addons' })
  })

  it('tells of Redis likewise', async () => {
    const app = await newApp()
    const { id, name } = await create(app, { plan: 'heroku-redis:mini' })
    provision(id, { URL: 'redis://here' })
    const { body } = await api.call('GET', `/redis/v0/databases/${name}`)
    expect(body).toMatchObject({ plan: 'hobby-mini', resource_url: 'redis://here' })
    expect((await api.call('GET', `/redis/v0/databases/${name}/wait`)).body).toMatchObject({ 'waiting?': false })
    await api.call('POST', `/redis/v0/databases/${name}/credentials_rotation`)
    expect(await refusal('GET', `/client/v11/databases/${id}`)).toMatchObject({ id: 'addon_not_found' })
  })
})

describe('our own additions', () => {
  it('connect a client, show what there is, and ask for another password or an empty one', async () => {
    const app = await newApp()
    const { id } = await create(app)
    provision(id)
    const { body, status } = await api.call('POST', `/addons/${id}/actions/client`, { body: { args: ['-c', "it's"] } })
    expect([status, body['name']]).toEqual([201, expect.stringMatching(/^exec\.\d{4}$/)])
    const [oneOff] = api.store.oneOffs.list(api.store.apps.find(app)!.id)
    expect(oneOff).toMatchObject({
      dyno: `@${id}`,
      command: String.raw`exec /usr/lib/paas/service/client '-c' 'it'\''s'`,
    })
    expect((await api.call('GET', `/addons/${id}/info`)).body['info']!.at(0)).toEqual({
      name: 'Plan',
      values: ['essential-0'],
    })
    await api.call('POST', `/addons/${id}/actions/rotate`, { body: {} })
    await api.call('POST', `/addons/${id}/actions/reset`, { body: {} })
    const cache = await create(app, { plan: 'memcached' })
    provision(cache['id'])
    expect(await refusal('POST', `/addons/${cache['id']}/actions/rotate`, {})).toMatchObject({ id: 'invalid_params' })
    expect(await refusal('POST', `/addons/${cache['id']}/actions/client`, {})).toMatchObject({ id: 'invalid_params' })
  })
})

it('a limit of add-ons for each account holds', async () => {
  const { token } = api.stranger('eager@example.com')
  const { body: app } = await api.call('POST', '/apps', { body: {}, token })
  for (let made = 0; made < 40; made++) await create(String(app['name']), { plan: 'memcached' }, { token })
  const refused = await refusal('POST', `/apps/${app['name']}/addons`, { plan: 'memcached' }, token)
  expect(refused).toMatchObject({ status: 422, id: 'addons_limit' })
})

it('shows every route of its own', () => expectAllSeen('addons/addons.test.ts'))
