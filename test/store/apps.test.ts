import { describe, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import { TestStore } from './test-store.ts'

describe('an app', () => {
  it('begins with release v1 and nothing that serves', () => {
    using test = new TestStore()
    expect(test.store.releases.list(test.app.id)).toMatchObject([
      { version: 1, description: 'Initial release', slugId: null, state: { kind: 'succeeded' } },
    ])
    expect(test.app).toMatchObject({ name: 'acme', currentReleaseId: null, maintenance: false, deployBranch: null })
  })

  it('is found by id and by name', () => {
    using test = new TestStore()
    expect(test.store.apps.find('acme')).toEqual(test.app)
    expect(test.store.apps.find(test.app.id)).toEqual(test.app)
    expect(test.store.apps.find('acm_')).toBeUndefined()
  })

  it('cannot take the name of another, neither at first nor later, and stays as it was', () => {
    using test = new TestStore()
    const other = test.createApp('other')
    expect(() => test.createApp('acme')).toThrow(expect.objectContaining({ code: 'name_taken' }))
    const rename = () => test.store.apps.update(other.id, { name: 'acme', maintenance: true })
    expect(rename).toThrow(expect.objectContaining({ code: 'name_taken' }))
    expect(test.store.apps.get(other.id)).toEqual(other)
    expect(test.store.apps.list().map(({ name }) => name)).toEqual(['acme', 'other'])
  })

  it('keeps what is changed, and what is not', () => {
    using test = new TestStore()
    test.store.apps.update(test.app.id, { maintenance: true, deployBranch: 'trunk' })
    expect(test.store.apps.update(test.app.id, { name: 'renamed' })).toMatchObject({
      name: 'renamed',
      maintenance: true,
      deployBranch: 'trunk',
    })
    expect(test.store.apps.update(test.app.id, { deployBranch: null }).deployBranch).toBeNull()
  })

  it('is gone for users from the moment it is destroyed, and its name is free', () => {
    using test = new TestStore()
    test.store.apps.markDestroying(test.app.id)
    expect(test.store.apps.find('acme')).toBeUndefined()
    expect(test.store.apps.find(test.app.id)).toBeUndefined()
    expect(test.store.apps.list()).toEqual([])
    expect(test.store.apps.get(test.app.id)?.destroying).toBe(true)
    const next = test.createApp('acme')
    expect(test.store.apps.find('acme')?.id).toBe(next.id)
    expect(test.store.apps.listAll()).toHaveLength(2)
  })

  it('is removed with all that belongs to it, and nothing else', () => {
    using test = new TestStore()
    const other = test.createApp('other')
    const { store } = test
    const build = test.runningBuild()
    const slug = test.slugOf(build)
    store.builds.recordSlug(build.id, build.generation, slug)
    const config = store.configVars.update(test.app.id, { A: '1' })
    const release = { appId: test.app.id, slugId: slug.id, description: 'Deploy', accountId: test.account.id, config }
    const { id } = store.releases.create(release)
    store.builds.recordRelease(build.id, build.generation, id)
    store.apps.setCurrentRelease(test.app.id, id)
    store.formations.sync(test.app.id, ['web'])
    store.apps.remove(test.app.id)
    expect(store.apps.get(test.app.id)).toBeUndefined()
    expect([store.builds.find(build.id), store.slugs.find(slug.id), store.releases.find(id)]).toEqual(
      Array.from({ length: 3 }),
    )
    expect(store.formations.list(test.app.id)).toEqual([])
    expect(store.configVars.get(test.app.id)).toEqual({})
    expect(store.apps.list()).toEqual([other])
    expect(store.releases.list(other.id)).toHaveLength(1)
  })

  it('that is unknown cannot be changed', () => {
    using test = new TestStore()
    const change = () => test.store.apps.update('none' as AppId, { maintenance: true })
    expect(change).toThrow(expect.objectContaining({ code: 'app_not_found' }))
  })

  it('is listed for its owner', () => {
    using test = new TestStore()
    const stranger = test.store.accounts.create({ email: 'stranger@example.com', admin: false })
    test.store.apps.create({ name: 'theirs', ownerId: stranger.id, stack: 'debian-13' })
    expect(test.store.apps.list({ usableBy: stranger.id }).map(({ name }) => name)).toEqual(['theirs'])
    expect(test.store.apps.list()).toHaveLength(2)
  })
})

describe('config vars', () => {
  it('are set and unset together', () => {
    using test = new TestStore()
    const { configVars } = test.store
    configVars.update(test.app.id, { A: '1', B: '2' })
    expect(configVars.update(test.app.id, { A: null, B: 'ü\n', C: '' })).toEqual({ B: 'ü\n', C: '' })
    configVars.replace(test.app.id, { Z: 'z' })
    expect(configVars.get(test.app.id)).toEqual({ Z: 'z' })
  })

  it('belong to one app', () => {
    using test = new TestStore()
    const other = test.createApp('other')
    test.store.configVars.update(test.app.id, { A: '1' })
    expect(test.store.configVars.get(other.id)).toEqual({})
  })

  it('with the names of things every object has are ordinary ones', () => {
    using test = new TestStore()
    const change = { constructor: 'a', toString: 'b', hasOwnProperty: 'c' }
    expect(test.store.configVars.update(test.app.id, change)).toEqual(change)
  })
})

describe('a formation', () => {
  it('starts one web dyno at the very first deploy and none of the other types', () => {
    using test = new TestStore()
    const formations = test.store.formations.sync(test.app.id, ['worker', 'web'])
    expect(formations.map(({ type, quantity }) => [type, quantity])).toEqual([
      ['web', 1],
      ['worker', 0],
    ])
  })

  it('keeps what was scaled, drops what is gone, and starts nothing that comes later', () => {
    using test = new TestStore()
    const { formations } = test.store
    formations.sync(test.app.id, ['worker', 'old'])
    formations.scale(test.app.id, [{ type: 'worker', quantity: 3, size: 'standard-2x' }])
    const after = formations.sync(test.app.id, ['worker', 'web'])
    expect(after.map(({ type, quantity, size }) => [type, quantity, size])).toEqual([
      ['web', 0, 'basic'],
      ['worker', 3, 'standard-2x'],
    ])
  })

  it('is scaled as a whole or not at all', () => {
    using test = new TestStore()
    const { formations } = test.store
    const before = formations.sync(test.app.id, ['web'])
    const scaleBoth = () =>
      formations.scale(test.app.id, [
        { type: 'web', quantity: 5 },
        { type: 'wrong', quantity: 1 },
      ])
    expect(scaleBoth).toThrow(expect.objectContaining({ code: 'not_found', hint: 'It has: web.' }))
    expect(formations.list(test.app.id)).toEqual(before)
  })

  it.each([-1, 101, 1.5, Number.NaN])('refuses the quantity %s', (quantity) => {
    using test = new TestStore()
    test.store.formations.sync(test.app.id, ['web'])
    const scale = () => test.store.formations.scale(test.app.id, [{ type: 'web', quantity }])
    expect(scale).toThrow(expect.objectContaining({ code: 'invalid_params' }))
    expect(test.store.formations.list(test.app.id)[0]?.quantity).toBe(1)
  })
})
