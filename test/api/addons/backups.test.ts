import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openBackupStorage } from '../../../src/main/backup-storage.ts'
import type { DataTransferState } from '../../../src/model/data-transfer.ts'
import type { AddonId, DataTransferId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi, type Json } from '../test-api.ts'

const api = await TestApi.forFile()
let apps = 0
const never = new AbortController().signal

/** A database that is there, as the worker leaves it. */
async function newDatabase(plan = 'heroku-postgresql', of?: string) {
  const app = of ?? `acme-${++apps}`
  if (of === undefined) await api.newApp(app)
  const { body } = await api.call('POST', `/apps/${app}/addons`, { body: { plan } })
  const id = String(body['id']) as AddonId
  const { addons } = api.store
  const { host } = addons.find(id)!
  const url = `postgres://u:p@${host}:5432/d`
  addons.setSecrets(id, { ...addons.secrets(id), config: { URL: url } })
  addons.setState(id, { kind: 'provisioned', work: null })
  return { app, id, url, database: `/client/v11/databases/${id}`, transfers: `/client/v11/apps/${app}/transfers` }
}

async function post(path: string, body?: object): Promise<Json> {
  const answer = await api.call('POST', path, body ? { body } : {})
  expect([answer.status, answer.text]).toEqual([answer.status < 300 ? answer.status : 'success', answer.text])
  return answer.body
}

async function refusal(method: string, path: string, body?: object, token?: string) {
  const answer = await api.call(method, path, { ...(body && { body }), ...(token && { token }) })
  return { status: answer.status, id: answer.body['id'] as unknown as string, message: String(answer.body['message']) }
}

/** As the worker notes the end of one. */
function settle(transfer: Json, state: DataTransferState): void {
  expect(api.store.dataTransfers.setState(String(transfer['uuid']) as DataTransferId, state)).toBe(true)
}

async function complete(transfer: Json, content: string): Promise<void> {
  const id = String(transfer['uuid']) as DataTransferId
  const storage = openBackupStorage({ config: api.config, store: api.store, serverId: api.serverId })
  const place = await storage.store(id, Readable.from([Buffer.from(content)]), never)
  api.store.dataTransfers.setProgress(id, { bytes: content.length })
  api.store.dataTransfers.addLine(id, 'what is stored is what was dumped')
  const at = { startedAt: new Date(), endedAt: new Date() }
  settle(transfer, { kind: 'succeeded', ...at, stored: { place, sha256: 'a'.repeat(64) } })
}

describe('a backup', () => {
  it('is asked for, followed, downloaded by whoever has its URL, and deleted', async () => {
    const { database, transfers } = await newDatabase()
    const made = await post(`${database}/backups`)
    expect(made).toMatchObject({ num: 1, from_type: 'pg_dump', to_type: 'gof3r', succeeded: false, started_at: null })
    expect(await api.takeJobs()).toContainEqual({ kind: 'data' })
    expect(await refusal('POST', `${transfers}/1/actions/public-url`)).toMatchObject({ id: 'invalid_params' })
    expect(await refusal('DELETE', `${transfers}/1`)).toMatchObject({
      message: expect.stringContaining('is under way'),
    })
    await complete(made, 'PGDMP and more')
    expect((await api.call('GET', transfers)).body).toMatchObject([{ num: 1, succeeded: true, processed_bytes: 14 }])
    const { body: told } = await api.call('GET', `${transfers}/${made['uuid']}?verbose=true`)
    expect(told['logs']).toMatchObject([{ message: 'what is stored is what was dumped' }])
    const { url } = await post(`${transfers}/1/actions/public-url`)
    const path = new URL(String(url)).pathname
    const file = await api.call('GET', path, { token: null })
    expect([file.status, file.text, file.headers['content-length']]).toEqual([200, 'PGDMP and more', '14'])
    expect((await api.call('GET', `${path}x`, { token: null })).status).toBe(404)
    expect((await api.call('DELETE', `${transfers}/1`)).status).toBe(200)
    expect((await api.call('GET', path, { token: null })).status).toBe(404)
    expect(await refusal('GET', `${transfers}/1`)).toMatchObject({ status: 404 })
    expect((await post(`${database}/backups`))['num']).toBe(2)
  })

  it('is cancelled at once while it waits, and by the worker when it runs', async () => {
    const { database, transfers } = await newDatabase()
    await post(`${database}/backups`)
    expect(await post(`${transfers}/1/actions/cancel`)).toMatchObject({
      canceled_at: expect.any(String),
      succeeded: false,
    })
    expect(await refusal('POST', `${transfers}/1/actions/cancel`)).toMatchObject({ id: 'invalid_params' })
    const second = await post(`${database}/backups`)
    settle(second, { kind: 'running', startedAt: new Date(), cancelling: false })
    await api.takeJobs()
    expect(await post(`${transfers}/2/actions/cancel`)).toMatchObject({ canceled_at: null })
    expect(await api.takeJobs()).toEqual([{ kind: 'data' }])
    expect(api.store.dataTransfers.listOpen().at(-1)!.state).toMatchObject({ kind: 'running', cancelling: true })
  })

  it('is restored by its name, by the URL of its download, and from elsewhere, whose address stays secret', async () => {
    const { database, transfers } = await newDatabase()
    const made = await post(`${database}/backups`)
    expect(await refusal('POST', `${database}/restores`, { backup_url: String(made['to_url']) })).toMatchObject({
      message: 'b001 is no backup that is complete.',
    })
    await complete(made, 'PGDMP')
    const own = await post(`${database}/restores`, { backup_url: String(made['to_url']) })
    expect(own).toMatchObject({ from_type: 'gof3r', to_type: 'pg_restore', from_name: 'b001' })
    const { url } = await post(`${transfers}/1/actions/public-url`)
    expect(await post(`${database}/restores`, { backup_url: String(url) })).toMatchObject({ from_name: 'b001' })
    const elsewhere = await post(`${database}/restores`, {
      backup_url: 'https://u:secret@example.com/a.dump?sig=secret',
    })
    expect(elsewhere).toMatchObject({ from_name: 'https://example.com/a.dump' })
    expect((await api.call('GET', transfers)).text).not.toContain('secret')
    expect(await refusal('POST', `${database}/restores`, { backup_url: 'x', extensions: ['hstore'] })).toMatchObject({
      message: expect.stringContaining('Extensions are not pre-installed'),
    })
    const redis = await newDatabase('heroku-redis:premium-0')
    expect(await refusal('POST', `${redis.database}/restores`, { backup_url: String(made['to_url']) })).toMatchObject({
      message: expect.stringContaining('b001 is a backup of heroku-postgresql'),
    })
  })

  it('and what is done with it is for those who may deploy its app', async () => {
    const { app, database, transfers } = await newDatabase()
    const made = await post(`${database}/backups`)
    await complete(made, 'PGDMP')
    const { account, token } = api.stranger('viewer@example.com')
    expect(await refusal('GET', transfers, undefined, token)).toMatchObject({ status: 404 })
    expect(await refusal('POST', `${database}/backups`, {}, token)).toMatchObject({ status: 404 })
    api.store.collaborators.set(api.store.apps.find(app)!.id, account.id, 'view')
    expect(await refusal('GET', transfers, undefined, token)).toMatchObject({ status: 403 })
    expect(await refusal('POST', `${transfers}/1/actions/public-url`, {}, token)).toMatchObject({ status: 403 })
    const theirs = await newDatabase()
    const { body: own } = await api.call('POST', '/apps', { body: {}, token })
    expect(own['id']).toBeDefined()
    expect(
      await refusal('POST', `${theirs.database}/restores`, { backup_url: String(made['to_url']) }, token),
    ).toMatchObject({
      status: 404,
    })
  })

  it('waits with nine others at most', async () => {
    const { database } = await newDatabase()
    for (let n = 0; n < 10; n++) await post(`${database}/backups`)
    expect(await refusal('POST', `${database}/backups`)).toMatchObject({ status: 429, id: 'transfers_limit' })
  })
})

describe('a copy', () => {
  it('goes from one add-on to another of the same service, and to no database elsewhere', async () => {
    const one = await newDatabase()
    const other = await newDatabase('heroku-postgresql', one.app)
    const names = { from_name: 'DATABASE', to_name: 'JADE' }
    const copy = await post(`${other.database}/transfers`, { ...names, from_url: one.url, to_url: other.url })
    expect(copy).toMatchObject({ from_type: 'pg_dump', to_type: 'pg_restore', num: 1 })
    const path = `${other.database}/transfers`
    expect(await refusal('POST', path, { ...names, from_url: one.url, to_url: one.url })).toMatchObject({
      message: expect.stringContaining('onto itself'),
    })
    expect(
      await refusal('POST', path, { ...names, from_url: 'postgres://db.example.com/a', to_url: other.url }),
    ).toMatchObject({
      message: expect.stringContaining('db.example.com is no add-on of this server.'),
    })
    const cache = await newDatabase('memcached', one.app)
    expect(await refusal('POST', `${cache.database}/backups`)).toMatchObject({
      message: expect.stringContaining('Memcached cannot be backed up'),
    })
  })
})

describe('a schedule', () => {
  it('is there from the start, and is changed and taken away', async () => {
    const { id, app, database } = await newDatabase()
    await newDatabase('memcached', app)
    const path = `${database}/transfer-schedules`
    const { body: first } = await api.call('GET', path)
    expect(first).toMatchObject([{ addon_id: id, name: 'DATABASE_URL', timezone: 'UTC' }])
    const changed = await post(path, { hour: '04', timezone: 'Europe/Berlin', schedule_name: 'DATABASE_URL' })
    expect(changed).toMatchObject({ hour: 4, timezone: 'Europe/Berlin' })
    expect((await api.call('GET', path)).body).toEqual([changed])
    expect(await refusal('POST', path, { hour: 4, timezone: 'Mars/Olympus' })).toMatchObject({
      message: expect.stringContaining('There is no time zone "Mars/Olympus".'),
    })
    expect(await refusal('POST', path, { hour: 24 })).toMatchObject({ status: 422 })
    expect((await api.call('DELETE', `${path}/${changed['uuid']}`)).status).toBe(200)
    expect((await api.call('GET', path)).body).toEqual([])
    expect(await refusal('DELETE', `${path}/${changed['uuid']}`)).toMatchObject({ status: 404 })
  })
})

describe('what a database is asked that does not run', () => {
  it('is refused with the reason', async () => {
    const { database } = await newDatabase()
    expect(await refusal('POST', `${database}/connection_reset`)).toMatchObject({
      message: 'The add-on is not running.',
    })
    const { id } = await newDatabase('heroku-redis:premium-0')
    const redis = `/redis/v0/databases/${id}`
    expect(await refusal('PATCH', `${redis}/config`, { timeout: 5 })).toMatchObject({
      message: 'The add-on is not running.',
    })
    expect(await refusal('GET', `${redis}/config`)).toMatchObject({ id: 'invalid_params' })
    expect(await refusal('PATCH', `${redis}/config`, {})).toMatchObject({
      message: expect.stringContaining('Set one of'),
    })
    expect(await refusal('PATCH', `${redis}/config`, { timeout: -1 })).toMatchObject({ status: 422 })
    expect(await refusal('POST', `${redis}/upgrade`, { version: '9' })).toMatchObject({ id: 'invalid_params' })
  })
})

it('a backup that is deleted while nobody can remove its file is on record no more, and the file goes later', async () => {
  const { database, transfers } = await newDatabase()
  await complete(await post(`${database}/backups`), 'PGDMP')
  const [dump] = api.store.dataTransfers.places().slice(-1)
  const file = join(api.config.paths.dumps, 'kept', `${dump!.slice('file:'.length)}.dump`)
  await api.worker.disposeAsync()
  expect((await api.call('DELETE', `${transfers}/1`)).status).toBe(200)
  expect((await api.call('GET', transfers)).body).toEqual([])
  expect(existsSync(file)).toBe(true)
  const storage = openBackupStorage({ config: api.config, store: api.store, serverId: api.serverId })
  await storage.tidy(new Set(api.store.dataTransfers.places()), never)
  expect(existsSync(file)).toBe(false)
})

it('every route of these was answered', () => {
  expectAllSeen('addons/backups.test.ts')
})
