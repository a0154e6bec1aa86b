import { describe, expect, it } from 'vitest'
import type { BuildState } from '../../src/model/build.ts'
import type { BuildId } from '../../src/model/ids.ts'
import { createBuildRelease } from '../../src/release/create.ts'
import { TestStore } from './test-store.ts'

const now = new Date()

type FinalState = Exclude<BuildState, { kind: 'pending' } | { kind: 'running' }>

describe('a build', () => {
  it('waits as it was pushed', () => {
    using test = new TestStore()
    const { build, superseded } = test.createBuild()
    expect(build).toMatchObject({
      commit: 'a'.repeat(40),
      ref: 'refs/heads/main',
      previousCommit: null,
      generation: 0,
      state: { kind: 'pending' },
      slugId: null,
      releaseId: null,
    })
    expect(superseded).toEqual([])
    expect(test.store.builds.find(build.id)).toEqual(build)
  })

  it('supersedes those that wait, not the one that runs nor those of another app', () => {
    using test = new TestStore()
    const other = test.createApp('other')
    const foreign = test.store.builds.create({ ...test.createBuild('0').build, appId: other.id }).build
    const running = test.runningBuild('a')
    const waiting = test.createBuild('b').build
    const { build, superseded } = test.createBuild('c')
    expect(superseded.map(({ id }) => id)).toEqual([waiting.id])
    expect(superseded[0]?.state).toMatchObject({ kind: 'superseded', by: build.commit })
    expect(test.store.builds.listUnfinished(test.app.id).map(({ id }) => id)).toEqual([running.id, build.id])
    expect(test.store.builds.listUnfinished().map(({ id }) => id)).toContain(foreign.id)
  })

  it('is listed newest first, and unfinished ones in the order they were pushed', () => {
    using test = new TestStore()
    const first = test.runningBuild('a')
    const second = test.createBuild('b').build
    expect(test.store.builds.list(test.app.id).map(({ id }) => id)).toEqual([second.id, first.id])
    expect(test.store.builds.listUnfinished(test.app.id).map(({ id }) => id)).toEqual([first.id, second.id])
  })

  it('is claimed again with the next generation, after which the former holder can write nothing', () => {
    using test = new TestStore()
    const { builds } = test.store
    const first = test.runningBuild()
    const second = builds.claim(first.id)
    expect([first.generation, second?.generation]).toEqual([1, 2])
    expect(second?.state).toEqual(first.state)
    expect(builds.recordSlug(first.id, 1, test.slugOf(first))).toBe(false)
    expect(builds.recordRelease(first.id, 1, test.store.releases.list(test.app.id)[0]!.id)).toBe(false)
    expect(builds.finish(first.id, 1, { kind: 'succeeded', finishedAt: now })).toBe(false)
    expect(builds.find(first.id)).toEqual(second)
    expect(test.store.slugs.list(test.app.id)).toEqual([])
  })

  it('keeps its slug and its release for whoever goes on with it', () => {
    using test = new TestStore()
    const { builds, slugs, releases } = test.store
    const build = test.runningBuild()
    const slug = test.slugOf(build)
    expect(builds.recordSlug(build.id, build.generation, slug)).toBe(true)
    const release = releases.list(test.app.id)[0]!
    expect(builds.recordRelease(build.id, build.generation, release.id)).toBe(true)
    expect(builds.claim(build.id)).toMatchObject({ slugId: slug.id, releaseId: release.id, generation: 2 })
    expect(slugs.find(slug.id)).toEqual(slug)
    expect(slugs.list(test.app.id)).toEqual([slug])
  })

  it.each([
    { kind: 'succeeded', finishedAt: now },
    { kind: 'failed', finishedAt: now, code: 'build_failed', reason: 'npm ci exited with 1' },
    { kind: 'cancelled', finishedAt: now },
    { kind: 'superseded', finishedAt: now, by: 'f'.repeat(40) },
  ] as const)('that is $kind stays so', (state) => {
    using test = new TestStore()
    const { builds } = test.store
    const build = test.runningBuild()
    expect(builds.finish(build.id, build.generation, state)).toBe(true)
    const finished = builds.find(build.id)
    expect(finished?.state).toEqual(state)
    expect(builds.claim(build.id)).toBeUndefined()
    expect(builds.finish(build.id, build.generation, { kind: 'succeeded', finishedAt: new Date(0) })).toBe(false)
    expect(builds.recordSlug(build.id, build.generation, test.slugOf(build))).toBe(false)
    expect(builds.requestCancel(build.id)).toEqual(finished)
    expect(builds.listUnfinished()).toEqual([])
    test.createBuild('b')
    expect(builds.find(build.id)).toEqual(finished)
  })

  it('that waits is cancelled at once', () => {
    using test = new TestStore()
    const { build } = test.createBuild()
    expect(test.store.builds.requestCancel(build.id)?.state.kind).toBe('cancelled')
    expect(test.store.builds.claim(build.id)).toBeUndefined()
  })

  it('that runs is asked to stop, also when it is taken up again', () => {
    using test = new TestStore()
    const { builds } = test.store
    const build = test.runningBuild()
    expect(builds.requestCancel(build.id)?.state).toMatchObject({ kind: 'running', cancelRequested: true })
    expect(builds.claim(build.id)?.state).toMatchObject({ kind: 'running', cancelRequested: true })
    expect(builds.finish(build.id, 2, { kind: 'cancelled', finishedAt: now })).toBe(true)
  })

  it('that is unknown is not there to be claimed or cancelled', () => {
    using test = new TestStore()
    const id = 'none' as BuildId
    expect([test.store.builds.claim(id), test.store.builds.requestCancel(id)]).toEqual([undefined, undefined])
  })
})

describe('a build that a newer one has overtaken', () => {
  /** It runs, as the record says, though nobody is at it; with its release, which serves if asked for. */
  function leftRunning(test: TestStore, { serves }: { serves: boolean }) {
    const build = test.runningBuild('a')
    const slug = test.slugOf(build)
    test.store.builds.recordSlug(build.id, build.generation, slug)
    const release = createBuildRelease(test.store, build, slug)
    if (serves) test.store.apps.setCurrentRelease(test.app.id, release.id)
    return { build, slug, release }
  }

  const ends: Record<string, FinalState | undefined> = {
    succeeded: { kind: 'succeeded', finishedAt: now },
    failed: { kind: 'failed', finishedAt: now, code: 'build_failed', reason: 'npm ci exited with 1' },
    cancelled: { kind: 'cancelled', finishedAt: now },
    running: undefined,
  }
  it.each(Object.entries(ends))(
    'is superseded, and its release never serves, when the newer one is %s',
    (kind, end) => {
      using test = new TestStore()
      const { builds, releases } = test.store
      const { build, release } = leftRunning(test, { serves: false })
      const newer = test.runningBuild('b')
      if (end) builds.finish(newer.id, 1, end)
      expect(builds.claim(build.id)).toBeUndefined()
      expect(builds.find(build.id)?.state).toMatchObject({ kind: 'superseded', by: newer.commit })
      expect(releases.find(release.id)?.state).toEqual({ kind: 'failed', reason: 'superseded by bbbbbbb' })
      expect(builds.find(newer.id)?.state.kind).toBe(kind)
    },
  )

  it('can write nothing, makes no release, and does not finish as if it were the newest', () => {
    using test = new TestStore()
    const { builds, releases } = test.store
    const build = test.runningBuild('a')
    const slug = test.slugOf(build)
    builds.recordSlug(build.id, 1, slug)
    test.runningBuild('b')
    expect(builds.recordCommit(build.id, 1, 'c'.repeat(40))).toBe(false)
    expect(builds.recordSlug(build.id, 1, test.slugOf(build))).toBe(false)
    expect(() => createBuildRelease(test.store, build, slug)).toThrow('Another attempt')
    expect(builds.finish(build.id, 1, { kind: 'succeeded', finishedAt: now })).toBe(false)
    expect(releases.list(test.app.id)[0]?.version).toBe(1)
  })

  it('still comes to its verdict when it has served, which is all that is missing, and the ref is the newer one’s', () => {
    using test = new TestStore()
    const { builds } = test.store
    const { build } = leftRunning(test, { serves: true })
    expect(builds.hasNewerServing(build.id)).toBe(false)
    const newer = test.runningBuild('b')
    expect(builds.hasNewerServing(build.id)).toBe(false)
    const slug = test.slugOf(newer)
    builds.recordSlug(newer.id, 1, slug)
    test.store.apps.setCurrentRelease(test.app.id, createBuildRelease(test.store, newer, slug).id)
    expect([builds.hasNewerServing(build.id), builds.hasNewerServing(newer.id)]).toEqual([true, false])
    expect(builds.claim(build.id)).toMatchObject({ generation: 2 })
    expect(builds.finish(build.id, 2, { kind: 'succeeded', finishedAt: now })).toBe(true)
  })

  it('is none while the newer one waits, or ended before it began', () => {
    using test = new TestStore()
    const { builds } = test.store
    const build = test.runningBuild('a')
    builds.requestCancel(test.createBuild('b').build.id)
    test.createBuild('c')
    test.createBuild('d')
    expect(builds.claim(build.id)).toMatchObject({ generation: 2, state: { kind: 'running' } })
  })
})
