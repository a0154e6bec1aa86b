import { readFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { newId, type ReleaseId } from '../../src/model/ids.ts'
import type { OneOff } from '../../src/model/one-off.ts'
import { TestStore } from './test-store.ts'

afterEach(() => void vi.useRealTimers())

function ask({ store, app, account }: TestStore, change: Partial<OneOff> = {}) {
  const releaseId = store.releases.list(app.id)[0]?.id ?? newId<ReleaseId>()
  const asked = { command: 'echo topsecret', env: { KEY: 'alsosecret' }, size: 'basic', timeToLive: 60 }
  return store.oneOffs.create({
    appId: app.id,
    accountId: account.id,
    releaseId,
    input: 'terminal',
    ...asked,
    ...change,
  })
}

it('a token is good for a minute', () => {
  using test = new TestStore()
  const { token } = ask(test)
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  expect(test.store.oneOffs.redeem(token!)).toBeUndefined()
  test.store.oneOffs.removeExpired()
  expect(test.store.oneOffs.list()).toEqual([])
})

it('what was started, and what needs no client, does not expire', () => {
  using test = new TestStore()
  const { oneOff, token } = ask(test)
  const { oneOff: without } = ask(test, { input: 'none' })
  test.store.oneOffs.redeem(token!)
  vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] })
  test.store.oneOffs.removeExpired()
  expect(test.store.oneOffs.list().map(({ id }) => id)).toEqual([oneOff.id, without.id])
})

it('neither command, environment nor token can be read in the file', () => {
  using test = new TestStore()
  const { oneOff, token } = ask(test)
  const bytes = ['', '-wal'].map((end) => readFileSync(`${test.files.path}${end}`, 'latin1')).join('')
  expect(bytes).toContain(oneOff.name)
  for (const secret of ['topsecret', 'alsosecret', token!]) expect(bytes).not.toContain(secret)
})

it('goes with its app', () => {
  using test = new TestStore()
  ask(test)
  test.store.apps.remove(test.app.id)
  expect(test.store.oneOffs.list()).toEqual([])
})
