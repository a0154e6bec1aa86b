import { Readable, PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { askBackup } from '../../src/data-transfers/ask.ts'
import { askSnapshots } from '../../src/data-transfers/snapshots.ts'
import { backupsToRemove, type DataTransfer } from '../../src/model/data-transfer.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { TestApi } from '../api/test-api.ts'

const api = await TestApi.forFile()
const { store } = api
const never = new AbortController().signal
const hours = 3600_000

/** Says `position`, as the program of a Redis does. */
function engineSaying(position: () => string) {
  const stream = () => ({
    input: new PassThrough(),
    output: Readable.from([Buffer.from(position())]),
    ended: async () => ({ code: 0, said: '' }),
  })
  return { listServices: async () => [{ id: 'c', state: { kind: 'running' } }], streamInService: async () => stream() }
}

it('a Redis that is kept on disk is dumped each hour in which something was written, and else says so', async () => {
  await api.newApp('acme')
  const { body } = await api.call('POST', '/apps/acme/addons', { body: { plan: 'heroku-redis:premium-0' } })
  const id = body['id'] as unknown as AddonId
  store.addons.setState(id, { kind: 'provisioned', work: null })
  let position = 'server 7'
  const engine = engineSaying(() => position) as unknown as Parameters<typeof askSnapshots>[0]['engine']
  const look = (later: number) =>
    askSnapshots({ store, config: api.config, engine }, new Date(Date.now() + later), never)
  const dumps = () => store.dataTransfers.list({ fromAddonId: id })
  await look(0)
  expect(dumps()).toHaveLength(0)
  const first = askBackup(store, store.addons.find(id)!, { scheduled: true })
  store.dataTransfers.notePosition(first.id, position)
  await look(2 * hours)
  expect(dumps()).toHaveLength(1)
  const at = { startedAt: new Date(), endedAt: new Date() }
  store.dataTransfers.setState(first.id, { kind: 'succeeded', ...at, stored: { place: 'file:x', sha256: '' } })
  await look(2 * hours)
  expect([dumps().length, store.dataTransfers.positionOf(first.id)!.sameUntil]).toEqual([1, expect.any(Date)])
  expect((await api.call('GET', `/addons/${id}/backups`)).body).toMatchObject({ recovery_point_seconds: 0 })
  position = 'server 8'
  await look(2.5 * hours)
  expect(dumps()).toHaveLength(1)
  await look(3.5 * hours)
  expect(dumps()).toMatchObject([{ scheduled: true, state: { kind: 'pending' } }, { id: first.id }])
})

it('one that does not run keeps no other from being looked at, and its dump is to say why', async () => {
  await api.newApp('emca')
  const made = async (isThere: boolean) => {
    const { body } = await api.call('POST', '/apps/emca/addons', { body: { plan: 'heroku-redis:premium-0' } })
    const id = body['id'] as unknown as AddonId
    store.addons.setState(id, { kind: 'provisioned', work: null })
    const { id: dump } = askBackup(store, store.addons.find(id)!, { scheduled: true })
    store.dataTransfers.notePosition(dump, isThere ? 'server 6' : 'server 7')
    const at = { startedAt: new Date(), endedAt: new Date() }
    store.dataTransfers.setState(dump, { kind: 'succeeded', ...at, stored: { place: 'file:x', sha256: '' } })
    return id
  }
  const [gone, there] = [await made(false), await made(true)]
  const saying = engineSaying(() => 'server 7')
  const listServices = async ({ addonId }: { addonId: AddonId }) =>
    addonId === gone ? [] : [{ id: 'c', state: { kind: 'running' } }]
  const engine = { ...saying, listServices } as unknown as Parameters<typeof askSnapshots>[0]['engine']
  await askSnapshots({ store, config: api.config, engine }, new Date(Date.now() + 2 * hours), never)
  for (const id of [gone, there]) {
    expect(store.dataTransfers.list({ fromAddonId: id })[0]).toMatchObject({ state: { kind: 'pending' } })
  }
})

it('of hourly backups those of a day are kept, then one a day for a week and one a week for four', () => {
  const end = Date.parse('2026-11-28T12:30:00Z')
  const all = Array.from({ length: 40 * 24 }, (_, age) => ({
    scheduled: true,
    state: { kind: 'succeeded' },
    createdAt: new Date(end - age * hours),
  })) as DataTransfer[]
  const old = new Set(backupsToRemove(all))
  const kept = all.filter((one) => !old.has(one)).map(({ createdAt }) => (end - createdAt.getTime()) / hours)
  expect(kept.filter((age) => age < 24)).toHaveLength(24)
  expect(kept.filter((age) => age >= 24).length).toBeLessThanOrEqual(10)
  expect(kept.at(-1)).toBeGreaterThan(20 * 24)
})
