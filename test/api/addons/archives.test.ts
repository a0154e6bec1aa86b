import { describe, expect, it } from 'vitest'
import { askBackup } from '../../../src/data-transfers/ask.ts'
import type { AddonId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()

type Made = { id: AddonId; name: string; app: string }
type Refusal = { status: number; id: string; message: string }

async function database(plan = 'heroku-postgresql', config = {}): Promise<Made> {
  const { body: app } = await api.call('POST', '/apps', { body: {} })
  const { body } = await api.call('POST', `/apps/${app['name']}/addons`, { body: { plan, config } })
  const id = body['id'] as unknown as AddonId
  api.store.addons.setState(id, { kind: 'provisioned', work: null })
  return { id, name: String(body['name']), app: String(app['name']) }
}

/** As the worker records it. */
function backedUp({ id }: Made, { since = 3600_000 } = {}): void {
  const { id: backup } = api.store.addonBackups.begin(id, 'full')
  api.store.addonBackups.end(backup, { kind: 'succeeded', label: '20261126-140307F', bytes: 5_000_000, noted: null })
  const now = Date.now()
  api.store.addonBackups.setArchive(id, { since: new Date(now - since), until: new Date(now - 9000), bytes: 5_000_000 })
}

async function refusal(method: string, path: string, body?: object, token?: string): Promise<Refusal> {
  const answer = await api.call(method, path, { ...(body && { body }), ...(token !== undefined && { token }) })
  return { status: answer.status, ...(answer.body as unknown as Omit<Refusal, 'status'>) }
}

describe('the backups of an add-on', () => {
  it('say when the last good one was, how much would be lost, how large they are and where', async () => {
    const made = await database()
    expect((await api.call('GET', `/addons/${made.id}/backups`)).body).toMatchObject({
      kind: 'continuous',
      window: null,
      last_good: null,
      recovery_point_seconds: null,
    })
    backedUp(made)
    const { body } = await api.call('GET', `/apps/${made.app}/backups`)
    expect(body).toHaveLength(1)
    expect(body[0]).toMatchObject({
      last_good: { name: '20261126-140307F', status: 'succeeded', kind: 'full' },
      last_proven: null,
      bytes: 5_000_000,
    })
    expect(body[0]!['recovery_point_seconds']).toBeGreaterThanOrEqual(9)
    expect(body[0]!['where']).toContain("does not survive this machine's disk")
  })

  it('of a service that makes none say so', async () => {
    const made = await database('memcached')
    expect((await api.call('GET', `/addons/${made.id}/backups`)).body).toMatchObject({ kind: 'none', where: null })
    expect(await refusal('POST', `/addons/${made.id}/actions/prove`, {})).toMatchObject({ id: 'invalid_params' })
    expect(await refusal('POST', `/addons/${made.id}/actions/restore`, {})).toMatchObject({ id: 'invalid_params' })
  })

  it('are proven when somebody asks, once at a time', async () => {
    const made = await database()
    backedUp(made)
    const { body: asked, status } = await api.call('POST', `/addons/${made.id}/actions/prove`, { body: {} })
    expect([status, asked['status']]).toEqual([202, 'asked'])
    expect((await api.call('POST', `/addons/${made.id}/actions/prove`, { body: {} })).body['id']).toBe(asked['id'])
    const [proof] = api.store.addonProofs.listOpen().filter(({ addonId }) => addonId === made.id)
    api.store.addonProofs.setState(proof!.id, { kind: 'failed', label: '20261126-140307F', reason: 'It is torn.' })
    const { body } = await api.call('GET', `/addons/${made.id}/proofs/${asked['id']}`)
    expect(body).toMatchObject({ status: 'failed', reason: 'It is torn.' })
    expect((await api.call('GET', `/addons/${made.id}/backups`)).body).toMatchObject({
      last_disproven: { backup: '20261126-140307F', reason: 'It is torn.' },
    })
    expect(await refusal('GET', `/addons/${made.id}/proofs/none`)).toMatchObject({ status: 404 })
  })

  it('that are dumps say when the newest was made, and of which schedule', async () => {
    const made = await database('heroku-redis:premium-0')
    const path = `/addons/${made.id}/backups`
    const { body: before } = await api.call('GET', path)
    expect(before).toMatchObject({ kind: 'dumps', last_good: null, recovery_point_seconds: null, bytes: 0 })
    expect(before['schedule']).toMatch(/^a dump each day at 0[0-5]:00 UTC, and one 60 minutes after/)
    const dump = askBackup(api.store, api.store.addons.find(made.id)!, { scheduled: true })
    const at = { startedAt: new Date(Date.now() - 5000), endedAt: new Date() }
    api.store.dataTransfers.setProgress(dump.id, { bytes: 700 })
    api.store.dataTransfers.setState(dump.id, { kind: 'succeeded', ...at, stored: { place: 'file:x', sha256: '' } })
    const failed = askBackup(api.store, api.store.addons.find(made.id)!, { scheduled: true })
    api.store.dataTransfers.setState(failed.id, { kind: 'failed', ...at, reason: 'The disk is full.' })
    const proof = api.store.addonProofs.ask(made.id)
    api.store.addonProofs.setState(proof.id, { kind: 'succeeded', label: 'a001', compared: false })
    const { body } = await api.call('GET', path)
    expect(body).toMatchObject({
      last_good: { name: 'a001', kind: 'dump', bytes: 700 },
      last_failed: { name: 'a002', reason: 'The disk is full.' },
      last_proven: { backup: 'a001', compared: false },
      problem: expect.stringMatching(/a002 failed: The disk is full/),
      bytes: 700,
      where: expect.stringContaining('does not survive'),
    })
    expect(body['recovery_point_seconds']).toBeGreaterThanOrEqual(5)
    expect((await api.call('POST', `/addons/${made.id}/actions/prove`, { body: {} })).status).toBe(202)
  })

  it('are seen by nobody else', async () => {
    const made = await database()
    const { token } = api.stranger()
    expect((await api.call('GET', '/backups', { token })).body).toEqual([])
    expect(await refusal('GET', `/addons/${made.id}/backups`, undefined, token)).toMatchObject({ status: 404 })
    expect(await refusal('POST', `/addons/${made.id}/actions/restore`, {}, token)).toMatchObject({ status: 404 })
  })
})

describe('a restore', () => {
  it('is a new add-on with the names that are in the copy, and a password of its own', async () => {
    const made = await database()
    backedUp(made)
    const at = new Date(Date.now() - 60_000).toISOString()
    const { body, status } = await api.call('POST', `/addons/${made.id}/actions/restore`, { body: { at } })
    expect([status, body['state']]).toEqual([201, 'provisioning'])
    const id = body['id'] as unknown as AddonId
    const [old, fork] = [api.store.addons.secrets(made.id), api.store.addons.secrets(id)]
    expect(fork).toMatchObject({ user: old.user, database: old.database })
    expect(fork.password).not.toBe(old.password)
    expect(fork.backupKey).not.toBe(old.backupKey)
    expect(api.store.addons.find(id)!.origin).toMatchObject({ addonId: made.id, moment: { kind: 'time' } })
    expect(body['forked_from']).toEqual({
      addon: { id: made.id, name: made.name },
      at: `${at.slice(0, 19)}Z`,
      before_xid: null,
    })
    const { body: told } = await api.call('GET', `/addons/${id}/info`)
    const from = `${made.name}, as of ${at.replace('T', ' ').replace('Z', '+00:00')}`
    expect(told['info']).toContainEqual({ name: 'Forked From', values: [from] })
    const { body: attached } = await api.call('GET', `/apps/${made.app}/addon-attachments`)
    expect(attached.map((one) => one['name'])).toEqual(['DATABASE', expect.stringMatching(/^HEROKU_POSTGRESQL_/)])
  })

  it('has the extensions that the other was asked for with', async () => {
    const made = await database('heroku-postgresql', { vector: true })
    backedUp(made)
    const { body } = await api.call('POST', `/addons/${made.id}/actions/restore`, { body: {} })
    expect(api.store.addons.find(body['id'] as unknown as AddonId)!.extras).toEqual(['vector'])
  })

  it.each([
    ['2026-11-26 14:03:07', '2026-11-26 14:03:07+00:00'],
    ['2026-11-26T14:03:07Z', '2026-11-26 14:03:07+00:00'],
    ['2026-11-26 14:03:07.25+02', '2026-11-26 14:03:07.25+02:00'],
    ['2026-11-26 14:03 +0530', '2026-11-26 14:03+05:30'],
  ])('takes the time %s', async (at, read) => {
    const made = await database()
    backedUp(made, { since: Date.now() - Date.parse('2026-11-01') })
    const { body } = await api.call('POST', `/addons/${made.id}/actions/restore`, { body: { at } })
    expect(api.store.addons.find(body['id'] as unknown as AddonId)!.origin!.moment).toEqual({ kind: 'time', at: read })
  })

  it('to a time outside the window is refused, and says the window', async () => {
    const made = await database()
    expect(await refusal('POST', `/addons/${made.id}/actions/restore`, {})).toMatchObject({ id: 'backup_missing' })
    backedUp(made)
    for (const at of ['2020-01-01 00:00:00+00', new Date(Date.now() + 60_000).toISOString()]) {
      const refused = await refusal('POST', `/addons/${made.id}/actions/restore`, { at })
      expect(refused).toMatchObject({ status: 422, id: 'restore_outside_window' })
      expect(refused.message).toMatch(/can be restored as it was from \d{4}-\d\d-\d\d [\d:]+\+00 to \d{4}-/)
    }
  })

  it.each([
    { at: 'yesterday' },
    { at: '2026-13-45 00:00' },
    { at: "2026-11-26 14:03:07'; DROP" },
    { before_xid: '-1' },
    { before_xid: 'x' },
    { at: 'latest', before_xid: '7' },
    { other: true },
  ])('asked for as %j is refused', async (body) => {
    const made = await database()
    backedUp(made)
    expect(await refusal('POST', `/addons/${made.id}/actions/restore`, body)).toMatchObject({ id: 'invalid_params' })
  })
})

it('shows every route of its own', () => expectAllSeen('addons/archives.test.ts'))
