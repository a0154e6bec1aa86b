import { expect, it } from 'vitest'
import { buildInputs, type BuildPlan } from '../../src/build/build-key.ts'
import { buildKeyOf, findEarlierSlug } from '../../src/build/earlier-slug.ts'
import type { Image } from '../../src/engine/engine.ts'
import type { AppId, BuildId } from '../../src/model/ids.ts'
import { createBuildRelease } from '../../src/release/create.ts'
import { TestStore } from '../store/test-store.ts'

const image = (digest: string) => Promise.resolve({ digest } as Image)
const usual = {
  tree: 'tree',
  commit: 'commit',
  config: {},
  slugBytes: 1,
  memoryMiB: 512,
  names: false,
  packs: 'built on',
  builder: 'builder',
  base: 'base',
  plan: { kind: 'packs', toolchains: [], mode: 'first', packs: ['nodejs'] } as BuildPlan,
}

function inputs(changed: Partial<typeof usual> = {}): Promise<string> {
  const { tree, commit, config, slugBytes, memoryMiB, names, packs, builder, base, plan } = { ...usual, ...changed }
  const toolbox = {
    buildImage: () => image(packs),
    runImage: () => image(base),
    builderImage: () => image(builder),
    baseImage: () => image(base),
  }
  const deps = {
    toolbox,
    engine: { machine: () => Promise.resolve({ cpus: 8, memoryMiB: 8192 }) },
    repositories: { tree: () => Promise.resolve(tree) },
    build: { memoryMiB, cpus: 2 },
    limits: { slugBytes },
  }
  const request = {
    buildId: 'b' as BuildId,
    appId: 'a' as AppId,
    app: 'acme',
    stack: 'debian-13',
    commit,
    config,
    noCache: false,
  }
  return buildInputs(deps, request, { source: { namesVersion: names }, plan })
}

const dockerfile: BuildPlan = { kind: 'dockerfile' }

it.each<[string, Partial<typeof usual>]>([
  ['the tree', { tree: 'other' }],
  ['config vars', { config: { KEY: 'value' } }],
  ['the packs', { plan: { kind: 'packs', toolchains: [], mode: 'all', packs: ['nodejs'] } }],
  ['the image that it is built on', { packs: 'other' }],
  ['the image that it runs on', { base: 'other' }],
  ['the memory of a build', { memoryMiB: 1024 }],
  ['the size of a slug', { slugBytes: 2 }],
])('%s decides a build', async (_, changed) => {
  expect(await inputs(changed)).not.toBe(await inputs())
})

it('the commit decides a build only where something may read its name', async () => {
  expect(await inputs({ commit: 'other' })).toBe(await inputs())
  expect(await inputs({ commit: 'other', names: true })).not.toBe(await inputs({ names: true }))
  const plan: BuildPlan = { kind: 'packs', toolchains: [], mode: 'all', packs: ['https://host.example/pack.git'] }
  expect(await inputs({ commit: 'other', plan })).not.toBe(await inputs({ plan }))
})

it('a Dockerfile sees neither config vars nor the commit, and its images decide', async () => {
  const changed = { config: { KEY: 'value' }, commit: 'other', names: true, packs: 'other', plan: dockerfile }
  expect(await inputs(changed)).toBe(await inputs({ plan: dockerfile }))
  expect(await inputs({ builder: 'other', plan: dockerfile })).not.toBe(await inputs({ plan: dockerfile }))
  expect(await inputs({ base: 'other', plan: dockerfile })).not.toBe(await inputs({ plan: dockerfile }))
})

it('an earlier slug is used by its release while its image is there', async () => {
  using test = new TestStore()
  const build = test.runningBuild()
  const slug = { ...test.slugOf(build), buildKey: buildKeyOf(test.store, 'inputs') }
  test.store.builds.recordSlug(build.id, 1, slug)
  const release = createBuildRelease(test.store, build, slug)
  test.store.builds.finish(build.id, 1, { kind: 'succeeded', finishedAt: new Date() })
  const find = (found: Image | undefined) =>
    findEarlierSlug(
      { store: test.store, engine: { findImage: () => Promise.resolve(found) } },
      build.appId,
      buildKeyOf(test.store, 'inputs'),
    )
  expect(await find({} as Image)).toEqual({ slug, version: release.version })
  expect(await find(undefined)).toBeUndefined()
})
