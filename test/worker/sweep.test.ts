import { existsSync } from 'node:fs'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { label } from '../../src/engine/labels.ts'
import { treeLabels, withinSlug } from '../../src/build/trees.ts'
import { createLog } from '../../src/log.ts'
import { forEachEntry } from '../../src/tar.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import type { Build } from '../../src/model/build.ts'
import type { Slug } from '../../src/model/slug.ts'
import { createBuildRelease } from '../../src/release/create.ts'
import { sweep, type Keep } from '../../src/worker/sweep.ts'
import { tar, testEngine, type TestEngine } from '../engine/support.ts'
import { TestStore } from '../store/test-store.ts'

const keep: Keep = { releases: 2, uploads: 1, outputs: 2, imageLife: 0, endMarkLife: 60_000 }

let docker: TestEngine
beforeAll(async () => {
  docker = await testEngine()
})
afterAll(() => docker?.[Symbol.asyncDispose]())

let test: TestStore
let directory: string
let metricsDirectory: string
beforeEach(async () => {
  test = new TestStore()
  directory = await mkdtemp(join(tmpdir(), 'paas-sweep-'))
  metricsDirectory = await mkdtemp(join(tmpdir(), 'paas-sweep-metrics-'))
})
afterEach(async () => {
  test[Symbol.dispose]()
  await rm(directory, { recursive: true, force: true })
  await rm(metricsDirectory, { recursive: true, force: true })
})

const sweepNow = (limits: Partial<Keep> = {}) =>
  sweep(
    {
      engine: docker.engine,
      store: test.store,
      paths: { builds: directory, metrics: metricsDirectory, sources: directory },
      log: createLog('test', 'silent'),
    },
    { ...keep, ...limits },
  )

async function makeImage(text: string, labels = {}, appId = test.app.id): Promise<string> {
  const files = tar([{ name: 'version' }, text])
  const config = { labels: { ...labels, [label.app]: appId } }
  return (await docker.engine.createImage({ base: docker.image, files, path: '/app', config })).digest
}

/** A build of its own image, released and, unless it failed, serving. */
async function release(digit: string, { failed = false } = {}): Promise<{ build: Build; slug: Slug }> {
  const { store, app } = test
  const build = test.runningBuild(digit)
  const slug = { ...test.slugOf(build), image: await makeImage(digit) }
  store.builds.recordSlug(build.id, build.generation, slug)
  const { id } = createBuildRelease(store, build, slug)
  if (failed) store.releases.setState(id, { kind: 'failed', reason: 'boot failed' })
  else store.apps.setCurrentRelease(app.id, id)
  store.builds.finish(build.id, build.generation, { kind: 'succeeded', finishedAt: new Date() })
  return { build, slug }
}

async function upload(text: string): Promise<{ slug: Slug }> {
  const slug = { ...test.uploadOf(test.createDraft()), image: await makeImage(text) }
  test.store.slugDrafts.complete(slug)
  return { slug }
}

async function images(): Promise<string[]> {
  return (await docker.engine.listImages({ appId: test.app.id })).map(({ digest }) => digest).toSorted()
}

const digests = (...slugs: { slug: Slug }[]) => slugs.map(({ slug }) => slug.image).toSorted()

describe('the sweep of images', () => {
  it('keeps those of the latest releases and removes older ones and those of failed releases', async () => {
    await release('a')
    const [second, third] = [await release('b'), await release('c')]
    await release('d', { failed: true })
    await sweepNow()
    expect(await images()).toEqual(digests(second, third))
  })

  it('keeps what serves and what a dyno runs, however old it is', async () => {
    const first = await release('a')
    const dyno = await docker.dyno('sleep 1000', { appId: test.app.id, image: first.slug.image })
    const [second, third, fourth] = [await release('b'), await release('c'), await release('d')]
    await sweepNow()
    expect(await images()).toEqual(digests(first, third, fourth))
    await docker.engine.stopDyno(dyno.id, 0)
    await sweepNow()
    expect(await images()).toEqual(digests(third, fourth))
    expect(second.slug.image).not.toBe(third.slug.image)
  })

  it('keeps what another app has released, and uploads that may still be released', async () => {
    const first = await release('a')
    const other = test.createApp('promoted')
    const given = { slugId: first.slug.id, description: 'Deploy', accountId: test.account.id, config: {} }
    test.store.releases.create({ ...given, appId: other.id, bringsCode: true })
    const [second, third] = [await release('b'), await release('c')]
    const [oldUpload, newUpload] = [await upload('old'), await upload('new')]
    await sweepNow()
    expect(await images()).toEqual(digests(first, second, third, newUpload))
    expect(oldUpload.slug.image).not.toBe(newUpload.slug.image)
  })

  it('keeps the newest tree of an app for each use, whatever other apps have, and no parts of one', async () => {
    const base = (await docker.engine.findImage(docker.image))!
    const make = (id: string, use: 'build' | 'run' | 'part', appId = test.app.id) =>
      makeImage(id, treeLabels(use, { path: 'node_modules', id }, base), appId)
    const old = [await make('one', 'run'), await make('one', 'build'), await make('two', 'run')]
    const kept = [await make('two', 'build'), await make('three', 'run')]
    await make('three', 'part')
    const [, later] = [await make('four', 'run', newId<AppId>()), await make('five', 'build', newId<AppId>())]
    await sweepNow()
    expect(await images()).toEqual(kept.toSorted())
    expect(await docker.engine.findImage(later)).toBeDefined()
    expect(old).not.toContain(kept[0])
  })

  it('leaves a slug whole whose tree it removes', async () => {
    const base = (await docker.engine.findImage(docker.image))!
    const tree = await makeImage('tree', treeLabels('run', { path: 'node_modules', id: 'one' }, base))
    const layer = tar([{ name: 'app/own' }, 'own'])
    const config = { labels: { [label.app]: test.app.id, ...withinSlug } }
    const { digest } = await docker.engine.appendLayer({ base: tree, layer, config })
    const dyno = await docker.dyno('sleep 1000', { appId: test.app.id, image: digest })
    const newest = await makeImage('newer', treeLabels('run', { path: 'node_modules', id: 'two' }, base))
    await sweepNow()
    expect(await images()).toEqual([digest, newest].toSorted())
    const names: string[] = []
    const app = await docker.engine.readImage(digest, '/app', new AbortController().signal)
    await forEachEntry(app!, ({ header }) => void names.push(header.name))
    expect(names.toSorted()).toEqual(['app/', 'app/own', 'app/version'])
    await docker.engine.stopDyno(dyno.id, 0)
  })

  it('keeps an image that was made a moment ago, which a build may be about to record', async () => {
    const digest = await makeImage('new')
    await sweepNow({ imageLife: 60_000 })
    expect(await images()).toEqual([digest])
    await sweepNow()
    expect(await images()).toEqual([])
  })
})

describe('the sweep of outputs', () => {
  it('removes those of old builds, whose readers still come to an end', async () => {
    const builds = ['a', 'b', 'c'].map((digit) => {
      const build = test.runningBuild(digit)
      test.store.builds.finish(build.id, build.generation, { kind: 'succeeded', finishedAt: new Date() })
      return build
    })
    for (const { id } of builds) {
      for (const kind of ['log', 'end']) await writeFile(join(directory, `${id}.${kind}`), '')
    }
    await sweepNow()
    const left = (kind: string) => builds.map(({ id }) => existsSync(join(directory, `${id}.${kind}`)))
    expect(left('log')).toEqual([false, true, true])
    expect(left('end')).toEqual([true, true, true])
  })

  it('removes what builds of destroyed apps left, a day later', async () => {
    const [old, fresh] = ['old.end', 'fresh.end'].map((name) => join(directory, name)) as [string, string]
    for (const path of [old, fresh]) await writeFile(path, '')
    await utimes(old, new Date(0), new Date(0))
    await sweepNow()
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true])
  })
})
