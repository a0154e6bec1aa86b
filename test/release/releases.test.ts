import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Release } from '../../src/model/release.ts'
import type { Slug } from '../../src/model/slug.ts'
import { createBuildRelease, createConfigRelease } from '../../src/release/create.ts'
import { createRollback } from '../../src/release/rollback.ts'
import { TestStore } from '../store/test-store.ts'

let test: TestStore
beforeEach(() => {
  test = new TestStore()
})
afterEach(() => test[Symbol.dispose]())

/** A build of this commit that has its slug and its release; with `serves` the release is current. */
function released(digit: string, { serves = true } = {}): { release: Release; slug: Slug } {
  const { store, app } = test
  const build = test.runningBuild(digit)
  const slug = test.slugOf(build)
  store.builds.recordSlug(build.id, build.generation, slug)
  const release = createBuildRelease(store, build, slug)
  if (serves) store.apps.setCurrentRelease(app.id, release.id)
  store.builds.finish(build.id, build.generation, { kind: 'succeeded', finishedAt: new Date() })
  return { release, slug }
}

const setConfig = (change: Record<string, string | null>) =>
  createConfigRelease(test.store, test.app, { change, accountId: test.account.id })

describe('the release of a build', () => {
  it('has its slug, the config vars as they are then, and says which commit', () => {
    test.store.configVars.update(test.app.id, { COLOUR: 'red' })
    const { release, slug } = released('b')
    expect(release).toMatchObject({ version: 2, slugId: slug.id, description: 'Deploy bbbbbbbb' })
    expect(test.store.releases.config(release.id)).toEqual({ COLOUR: 'red' })
  })

  it('is not made when another attempt has taken the build over', () => {
    const build = test.runningBuild()
    const slug = test.slugOf(build)
    test.store.builds.recordSlug(build.id, build.generation, slug)
    test.store.builds.claim(build.id)
    expect(() => createBuildRelease(test.store, build, slug)).toThrow('Another attempt')
    expect(test.store.releases.list(test.app.id)[0]?.version).toBe(1)
  })
})

describe('the release of a config change', () => {
  it('is a number of its own with the code that is newest', () => {
    const { slug } = released('a')
    const release = setConfig({ A: '1', B: '2' })
    expect(release).toMatchObject({ version: 3, slugId: slug.id, description: 'Set A, B config vars' })
    expect(test.store.releases.config(release.id)).toEqual({ A: '1', B: '2' })
  })

  it('says what was set and what was removed', () => {
    setConfig({ A: '1' })
    expect(setConfig({ A: null }).description).toBe('Remove A config vars')
    expect(setConfig({ B: '1', A: null }).description).toBe('Set B, Remove A config vars')
  })

  it('takes the code of a deploy that is under way, and not of one that failed', () => {
    const good = released('a')
    const pending = released('b', { serves: false })
    expect(setConfig({ A: '1' }).slugId).toBe(pending.slug.id)
    for (const { id } of test.store.releases.listPending(test.app.id)) {
      test.store.releases.setState(id, { kind: 'failed', reason: 'boot failed' })
    }
    expect(setConfig({ A: '2' }).slugId).toBe(good.slug.id)
  })

  it('has no code before the first deploy', () => {
    expect(setConfig({ A: '1' }).slugId).toBeNull()
  })
})

describe('a rollback', () => {
  it('is a new release with the old code and config, which is the config from then on', () => {
    test.store.configVars.update(test.app.id, { COLOUR: 'red' })
    const old = released('a')
    test.store.configVars.update(test.app.id, { COLOUR: 'blue', SHAPE: 'round' })
    released('b')
    const target = old.release
    const accountId = test.account.id
    const known = test.store.releases.find(target.id) ?? target
    const release = createRollback(test.store, test.app, { target: known, accountId })
    expect(release).toMatchObject({ version: 4, slugId: old.slug.id, description: 'Rollback to v2' })
    expect(test.store.configVars.get(test.app.id)).toEqual({ COLOUR: 'red' })
  })

  it('is refused to a release that failed or has no code', () => {
    const { release } = released('a', { serves: false })
    const failed: Release = { ...release, state: { kind: 'failed', reason: 'boot failed' } }
    const rollback = (target: Release) => () =>
      createRollback(test.store, test.app, { target, accountId: test.account.id })
    expect(rollback(failed)).toThrow('v2 of acme did not succeed; it cannot be rolled back to.')
    const initial = test.store.releases.findIn(test.app.id, 'v1')
    if (!initial) throw new Error('an app has a v1')
    expect(rollback(initial)).toThrow('v1 of acme has no code')
  })
})
