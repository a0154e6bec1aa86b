import { afterEach, expect, it, vi } from 'vitest'
import { askBackup } from '../../src/data-transfers/ask.ts'
import { PaasError } from '../../src/errors.ts'
import type { AddonId } from '../../src/model/ids.ts'
import { AddonBackups, type AddonBackupsOptions } from '../../src/services/addon-backups.ts'
import type { VolumeParts } from '../../src/volumes/parts.ts'
import { VolumeProofs } from '../../src/volumes/proofs.ts'
import { TestApi } from '../api/test-api.ts'

/** A proof that cannot be tried says nothing of the backup, and is not told as if it did. */

const api = await TestApi.forFile()
const { store } = api
const never = new AbortController().signal
const minute = 60_000
const away = () => Promise.reject(new PaasError('engine_unavailable', 'Docker is away.'))
const lines: string[] = []
const platformLog = { api: (_: string, line: string) => void lines.push(line) }
const log = { warn: vi.fn<() => void>(), info: () => undefined, error: () => undefined }

afterEach(() => {
  vi.useRealTimers()
  lines.length = 0
})

it('a dump is tried again for ten minutes while Docker is away, and is then told as not tried', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { id: appId } = await api.newApp('acme')
  const { body: made } = await api.call('POST', '/apps/acme/addons', { body: { plan: 'heroku-redis:premium-0' } })
  const addon = store.addons.find(made['id'] as unknown as AddonId)!
  store.addons.setState(addon.id, { kind: 'provisioned', work: null })
  const { id: dump } = askBackup(store, addon, { scheduled: true })
  const at = { startedAt: new Date(), endedAt: new Date() }
  store.dataTransfers.setState(dump, { kind: 'succeeded', ...at, stored: { place: 'file:x', sha256: '' } })
  store.addonProofs.ask(addon.id)
  const engine = { listServices: away, listVolumes: away }
  const parts = { store, config: api.config, engine, platformLog, log } as unknown as AddonBackupsOptions
  await using backups = new AddonBackups(parts)
  backups.begin()
  const proof = () => store.addonProofs.list(addon.id)[0]!
  await expect.poll(() => proof().state.kind).toBe('running')
  await expect.poll(() => log.warn.mock.calls.length).toBeGreaterThan(1)
  vi.advanceTimersByTime(11 * minute)
  await expect.poll(() => proof().state.kind).toBe('unproven')
  const path = `/addons/${addon.id}`
  const said = { status: 'unproven', backup: 'a001', reason: 'Docker is away.' }
  expect((await api.call('GET', `${path}/proofs/${proof().id}`)).body).toMatchObject(said)
  const note = 'its backup a001 could not be tried, which says nothing of it: Docker is away.'
  expect((await api.call('GET', `${path}/backups`)).body).toMatchObject({ problem: note, last_disproven: null })
  expect(lines).toEqual([expect.stringContaining(`Error L22 (backup missing): ${addon.name}: ${note}`)])
  expect(appId).toBe(addon.appId)
  store.addonProofs.setState(store.addonProofs.ask(addon.id).id, { kind: 'succeeded', label: 'a001', compared: true })
  expect((await api.call('GET', `${path}/backups`)).body).toMatchObject({ problem: null })
}, 20_000)

it('what has no backup yet is told as not tried, to whoever asked alone', async () => {
  const { id: appId } = await api.newApp('mace')
  const { body: made } = await api.call('POST', '/apps/mace/addons', { body: { plan: 'heroku-redis:premium-0' } })
  const addon = store.addons.find(made['id'] as unknown as AddonId)!
  store.addons.setState(addon.id, { kind: 'provisioned', work: null })
  const { id } = store.addonProofs.ask(addon.id)
  const parts = { store, config: api.config, engine: { listServices: away }, platformLog, log }
  await using backups = new AddonBackups(parts as unknown as AddonBackupsOptions)
  backups.begin()
  await expect.poll(() => store.addonProofs.find(id)!.state.kind, { timeout: 20_000 }).toBe('unproven')
  const said = { status: 'unproven', backup: null, reason: `There is no backup of ${addon.name} yet.` }
  expect((await api.call('GET', `/addons/${addon.id}/proofs/${id}`)).body).toMatchObject(said)
  const volume = store.volumes.create({ appId, name: 'data', mount: '/app/data', types: ['web'], singleWriter: true })
  store.volumes.recordMade(volume.id)
  const { id: ofVolume } = store.volumeProofs.ask(volume.id)
  const proofs = new VolumeProofs({
    store,
    engine: { listVolumes: async () => [] },
    platformLog,
    log,
  } as unknown as VolumeParts)
  await proofs.workOff(never)
  const reason = 'There is no backup of data yet.'
  expect(store.volumeProofs.find(ofVolume)!.state).toEqual({ kind: 'unproven', copyId: null, reason })
  expect(lines).toEqual([])
}, 20_000)

it('so is the backup of a volume while the backup target is away, which stays the newest good one', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { id: appId } = await api.newApp('emca')
  const volume = store.volumes.create({ appId, name: 'data', mount: '/app/data', types: ['web'], singleWriter: true })
  store.volumes.recordMade(volume.id)
  const of = { appId, volumeId: volume.id, volume: 'data', from: null, into: null, trigger: 'daily' } as const
  const { id: copyId } = store.volumeCopies.create({ ...of, kind: 'backup' })
  const content = { snapshot: '0123abcd', isStill: true, checksum: 'f'.repeat(64), files: 3, bytes: 300 }
  store.volumeCopies.setState(copyId, { kind: 'succeeded', endedAt: new Date(), ...content })
  const { id } = store.volumeProofs.ask(volume.id)
  const reason = 'The backup target cannot be used: it cannot be reached.'
  const read = () => Promise.reject(new PaasError('backup_target_refused', reason))
  const nothing = async () => undefined
  const engine = { listVolumes: async () => [], createVolume: nothing, removeVolume: nothing }
  const proofs = new VolumeProofs({ store, engine, vault: { read }, platformLog, log } as unknown as VolumeParts)
  await proofs.workOff(never)
  expect(store.volumeProofs.find(id)!.state.kind).toBe('running')
  vi.advanceTimersByTime(11 * minute)
  await proofs.workOff(never)
  expect(store.volumeProofs.find(id)!.state).toEqual({ kind: 'unproven', copyId, reason })
  expect(store.volumeCopies.list({ appId, kind: 'backup' })[0]!.state.kind).toBe('succeeded')
  const note = `its backup ${copyId.slice(0, 8)} could not be tried, which says nothing of it: ${reason}`
  const { body } = await api.call('GET', '/apps/emca/volume-backups')
  expect(body).toMatchObject([{ problem: note, last_good: { id: copyId }, last_disproven: null }])
  expect(lines).toEqual([expect.stringContaining(`volume data: ${note}`)])
})
