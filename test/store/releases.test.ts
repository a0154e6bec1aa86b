import { describe, expect, it } from 'vitest'
import type { Release, ReleaseState } from '../../src/model/release.ts'
import { TestStore } from './test-store.ts'

function makeRelease({ store, app, account }: TestStore, config = {}): Release {
  return store.releases.create({ appId: app.id, slugId: null, description: 'Deploy', accountId: account.id, config })
}

describe('a release', () => {
  it('has the next number of its app, and the config it was made with for good', () => {
    using test = new TestStore()
    const { releases, configVars } = test.store
    const config = configVars.update(test.app.id, { A: '1' })
    const release = makeRelease(test, config)
    configVars.update(test.app.id, { A: '2' })
    expect(release).toMatchObject({ version: 2, state: { kind: 'pending' } })
    expect(releases.config(release.id)).toEqual({ A: '1' })
    expect(makeRelease(test).version).toBe(3)
    expect(releases.list(test.app.id)[0]?.version).toBe(3)
    expect(releases.list(test.app.id).map(({ version }) => version)).toEqual([3, 2, 1])
    expect(releases.listPending(test.app.id).map(({ version }) => version)).toEqual([2, 3])
  })

  it('is found in its app by id and by number', () => {
    using test = new TestStore()
    const release = makeRelease(test)
    const other = test.createApp('other')
    for (const name of ['v2', '2', release.id]) {
      expect(test.store.releases.findIn(test.app.id, name)).toEqual(release)
      expect(test.store.releases.findIn(other.id, name)).toBeUndefined()
    }
    expect(test.store.releases.findIn(test.app.id, 'v02x')).toBeUndefined()
  })

  it.each<[ReleaseState, ReleaseState]>([
    [{ kind: 'succeeded' }, { kind: 'failed', reason: 'late' }],
    [{ kind: 'failed', reason: 'exited with 1' }, { kind: 'succeeded' }],
    [{ kind: 'succeeded' }, { kind: 'pending' }],
    [
      { kind: 'superseded', by: 9 },
      { kind: 'failed', reason: 'late' },
    ],
  ])('that is %o cannot become %o', (first, second) => {
    using test = new TestStore()
    const { releases } = test.store
    const { id } = makeRelease(test)
    releases.setState(id, first)
    expect(() => releases.setState(id, second)).toThrow(expect.objectContaining({ code: 'internal' }))
    releases.setState(id, first)
    expect(releases.find(id)?.state).toEqual(first)
  })
})

describe('the current release', () => {
  it('is set and has succeeded in one step, and may be set again after a crash', () => {
    using test = new TestStore()
    const { id } = makeRelease(test)
    test.store.apps.setCurrentRelease(test.app.id, id)
    test.store.apps.setCurrentRelease(test.app.id, id)
    expect(test.store.apps.find('acme')?.currentReleaseId).toBe(id)
    expect(test.store.releases.find(id)?.state).toEqual({ kind: 'succeeded' })
  })

  it('is never replaced by an older one', () => {
    using test = new TestStore()
    const [older, newer] = [makeRelease(test), makeRelease(test)]
    test.store.apps.setCurrentRelease(test.app.id, newer.id)
    const goBack = () => test.store.apps.setCurrentRelease(test.app.id, older.id)
    expect(goBack).toThrow(expect.objectContaining({ code: 'release_superseded' }))
    expect(test.store.apps.find('acme')?.currentReleaseId).toBe(newer.id)
    expect(test.store.releases.find(older.id)?.state.kind).toBe('pending')
  })

  it('is never one that failed, nor one of another app', () => {
    using test = new TestStore()
    const { id } = makeRelease(test)
    test.store.releases.setState(id, { kind: 'failed', reason: 'x' })
    expect(() => test.store.apps.setCurrentRelease(test.app.id, id)).toThrow('failed')
    const other = test.createApp('other')
    const foreign = test.store.releases.list(other.id)[0]!
    expect(() => test.store.apps.setCurrentRelease(test.app.id, foreign.id)).toThrow('not one of app')
    expect(test.store.apps.find('acme')?.currentReleaseId).toBeNull()
  })
})

describe('a transaction', () => {
  it('that fails changes nothing, however deep', () => {
    using test = new TestStore()
    const { store } = test
    const fail = () =>
      store.transaction(() => {
        store.configVars.update(test.app.id, { A: '1' })
        store.transaction(() => makeRelease(test))
        throw new Error('no')
      })
    expect(fail).toThrow('no')
    expect(store.configVars.get(test.app.id)).toEqual({})
    expect(store.releases.list(test.app.id)).toHaveLength(1)
    expect(makeRelease(test).version).toBe(2)
  })

  it('gives what its work gives', () => {
    using test = new TestStore()
    expect(test.store.transaction(() => 42)).toBe(42)
  })
})
