import { expect, it } from 'vitest'
import type { StackUpgradeId } from '../../../src/model/ids.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const api = await TestApi.forFile()
const acme = await api.newApp('acme')
api.deploy(acme)
const docked = await api.newApp('docked')
api.deploy(docked, 'b'.repeat(40), { web: null })
await api.newApp('empty')
const { account, token } = api.stranger()

it('what apps run on is told of each, and why nothing is known of it', async () => {
  const { body } = await api.call('GET', '/run-images')
  expect(body).toMatchObject([
    { app: { name: 'acme' }, stack: { name: 'debian-13' }, movable: true, reason: 'its image is gone; build it again' },
    { app: { name: 'docked' }, movable: false, reason: 'its Dockerfile says what it runs on; build it again' },
  ])
  expect((await api.call('GET', '/run-images', { token })).body).toEqual([])
  expect((await api.call('GET', '/apps/empty/run-image')).body).toMatchObject({ reason: 'it has no code' })
  expect((await api.call('GET', '/apps/acme/run-image', { token })).status).toBe(404)
})

it('an admin has all apps with code moved; asked twice it is one upgrade, of which the worker is told', async () => {
  expect((await api.call('POST', '/stack-upgrades', { token })).status).toBe(403)
  const { status, body } = await api.call('POST', '/stack-upgrades')
  expect(status).toBe(201)
  expect(body).toMatchObject({
    state: 'running',
    user: { email: 'admin@example.com' },
    apps: [
      { app: { name: 'acme' }, state: 'pending', release: null },
      { app: { name: 'docked' }, state: 'pending', release: null },
    ],
  })
  expect(await api.takeJobs()).toEqual([{ kind: 'upgrade' }])
  expect((await api.call('POST', '/stack-upgrades')).body['id']).toBe(body['id'])
  expect((await api.call('GET', `/stack-upgrades/${body['id']}`, { token })).status).toBe(404)
})

it('a collaborator has one app moved, and sees what became of it; who only views does not', async () => {
  api.store.collaborators.set(acme.id, account.id, 'view')
  expect((await api.call('POST', '/apps/acme/stack-upgrades', { token })).status).toBe(403)
  api.store.collaborators.set(acme.id, account.id, 'deploy')
  const { body } = await api.call('POST', '/apps/acme/stack-upgrades', { token })
  const id = String(body['id']) as StackUpgradeId
  api.store.stackUpgrades.setMove(id, acme.id, { kind: 'failed', reason: 'boot failed: web.1 exited with 1' })
  api.store.stackUpgrades.setState(id, { kind: 'finished' })
  expect((await api.call('GET', `/stack-upgrades/${id}`, { token })).body).toMatchObject({
    state: 'finished',
    apps: [{ state: 'failed', reason: 'boot failed: web.1 exited with 1' }],
  })
  expect((await api.call('GET', '/apps/acme/run-image', { token })).body).toMatchObject({
    last_move: { state: 'failed', reason: 'boot failed: web.1 exited with 1' },
  })
  expect((await api.call('POST', '/apps/empty/stack-upgrades')).body['id']).toBe('app_not_deployed')
})

it('moves are forgotten with their app', () => {
  const asked = api.store.stackUpgrades.create({ accountId: null, appIds: [acme.id] })
  api.store.apps.remove(acme.id)
  expect(api.store.stackUpgrades.find(asked.id)?.moves).toEqual([])
})

it('all answers have the shape of their route', () => expectAllSeen('server/stack-upgrades.test.ts'))
