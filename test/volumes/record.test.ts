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
