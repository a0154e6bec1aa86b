import { expect, it, vi } from 'vitest'
import { createLog } from '../../src/log.ts'
import { Volumes, type VolumesOptions } from '../../src/volumes/volumes.ts'
import { TestStore } from '../store/test-store.ts'

it('a record that takes nothing is told of at each look, and ends no worker', async () => {
  using _real = { [Symbol.dispose]: () => void vi.useRealTimers() }
  vi.useFakeTimers()
  const log = createLog('test', 'silent')
  const told = vi.spyOn(log, 'warn')
  const { store, files } = new TestStore()
  using _files = files
  const config = { paths: { vaultSocket: '' }, volumeBackup: { at: { hour: 3, minute: 30 }, keepDays: 7 }, limits: {} }
  const parts = { store, log, config, engine: { listVolumes: async () => [] }, dynos: {}, platformLog: {} }
  await using volumes = new Volumes(parts as unknown as VolumesOptions)
  await volumes.begin(() => undefined)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told).not.toHaveBeenCalled()
  store[Symbol.dispose]()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told).toHaveBeenCalledTimes(1)
  volumes.wake()
  await vi.advanceTimersByTimeAsync(1)
  expect(told).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(24 * 3600_000)
  expect(told.mock.calls.length).toBeGreaterThan(24 * 60)
})

it('a daily copy that nobody was there for is asked for at the next start', async () => {
  using _real = { [Symbol.dispose]: () => void vi.useRealTimers() }
  const { store, files, app } = new TestStore()
  using _files = files
  const volume = store.volumes.create({
    appId: app.id,
    name: 'data',
    mount: '/app/data',
    types: [],
    singleWriter: true,
  })
  store.volumes.recordMade(volume.id)
  const about = { appId: app.id, volumeId: volume.id, volume: 'data', kind: 'backup', trigger: 'daily' } as const
  store.volumeCopies.create({ ...about, from: null, into: null })
  vi.useFakeTimers({ now: Date.now() + 25 * 3_600_000 })
  const config = { paths: { vaultSocket: '' }, volumeBackup: { at: { hour: 3, minute: 30 }, keepDays: 7 }, limits: {} }
  const log = createLog('test', 'silent')
  const parts = { store, log, config, engine: { listVolumes: async () => [] }, dynos: {}, platformLog: {} }
  await using volumes = new Volumes(parts as unknown as VolumesOptions)
  await volumes.begin(() => undefined)
  expect(store.volumeCopies.list().map(({ trigger }) => trigger)).toEqual(['daily', 'daily'])
})
