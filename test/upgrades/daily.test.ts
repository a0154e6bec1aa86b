import { expect, it, vi } from 'vitest'
import { createLog } from '../../src/log.ts'
import type { UpgradesOptions } from '../../src/upgrades/parts.ts'
import { StackUpgrades } from '../../src/upgrades/upgrades.ts'
import { TestStore } from '../store/test-store.ts'

it('at the hour of PAAS_STACK_UPGRADE all apps with code are looked at, by the server, once a day', async () => {
  using _real = { [Symbol.dispose]: () => void vi.useRealTimers() }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: new Date(2026, 10, 27, 3, 0) })
  using test = new TestStore()
  const { store, app, account } = test
  const build = test.runningBuild()
  store.builds.recordSlug(build.id, build.generation, test.slugOf(build))
  const slugId = store.builds.find(build.id)?.slugId ?? null
  const release = { appId: app.id, slugId, description: 'Deploy', accountId: account.id, config: {} }
  store.releases.setState(store.releases.create(release).id, { kind: 'succeeded' })
  const config = { stackUpgrade: { hour: 3, minute: 30 }, stacksDirectory: '/none' }
  // Nothing but the record is asked: the image is gone.
  const parts = { store, config, log: createLog('test', 'silent'), engine: { findImage: async () => undefined } }
  await using _ = new StackUpgrades(parts as unknown as UpgradesOptions)

  await vi.advanceTimersByTimeAsync(29 * 60_000)
  expect(store.stackUpgrades.lastMove(app.id)).toBeUndefined()
  await vi.advanceTimersByTimeAsync(60_000)
  const reason = 'its image is gone; build it again'
  const move = store.stackUpgrades.lastMove(app.id)
  expect(move).toMatchObject({ state: { kind: 'unmovable', reason } })
  await vi.advanceTimersByTimeAsync(23 * 3_600_000)
  expect(store.stackUpgrades.lastMove(app.id)).toEqual(move)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(store.stackUpgrades.lastMove(app.id)).not.toEqual(move)
})
