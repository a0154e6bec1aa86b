import { afterAll, beforeAll, expect, it } from 'vitest'
import { BuildSandboxes } from '../../src/build/sandboxes.ts'
import { AppTrees, treeLabels } from '../../src/build/trees.ts'
import type { Image, Sandbox } from '../../src/engine/engine.ts'
import { createLog } from '../../src/log.ts'
import { usualStack } from '../../src/model/stack.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, never, tar, testEngine, type TestEngine } from '../engine/support.ts'

const build = { memoryMiB: 128, cpus: 1, concurrency: 2, standbySeconds: 60 }

let server: TestEngine
let image: Image
beforeAll(async () => {
  server = await testEngine()
  const found = await server.engine.findImage(server.image)
  if (!found) throw new Error('the stack image is gone')
  image = found
})
afterAll(() => server[Symbol.asyncDispose]())

function sandboxes(): BuildSandboxes {
  const toolbox = { buildImage: async () => image, builderImage: async () => image, baseImage: async () => image }
  const trees = new AppTrees(server.engine)
  return new BuildSandboxes({
    engine: server.engine,
    toolboxes: () => toolbox,
    trees,
    build,
    log: createLog('test', 'error'),
  })
}

async function exitOf(sandbox: Sandbox, ...argv: string[]): Promise<number> {
  const { exit } = await sandbox.run({ argv, env: {}, files: tar() }, () => undefined, never)
  return (await exit()).code
}

/** Ids of the app's containers, as Docker has them. */
async function containersOf(appId: AppId): Promise<string[]> {
  const output = await docker('ps', '--all', '--quiet', '--no-trunc', '--filter', `label=paas.app=${appId}`)
  return output.split('\n').filter(Boolean)
}

const asItIs = { emptyCache: false }

it('a sandbox that was prepared is the one its build gets, once', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.prepare(appId)
  all.prepare(appId)
  await expect.poll(() => containersOf(appId)).toHaveLength(1)
  const first = await all.take(appId, asItIs, never)
  expect(await containersOf(appId)).toEqual([first.id])
  const second = await all.take(appId, asItIs, never)
  expect(second.id).not.toBe(first.id)
  for (const sandbox of [first, second]) all.remove(appId, sandbox)
})

it('no more of them wait than builds may run at once, and none when the worker has stopped', async () => {
  const apps = [newId<AppId>(), newId<AppId>(), newId<AppId>()]
  {
    await using all = sandboxes()
    for (const appId of apps) all.prepare(appId)
    await expect.poll(async () => (await Promise.all(apps.map(containersOf))).flat()).toHaveLength(2)
    expect(await containersOf(apps[2]!)).toEqual([])
  }
  expect((await Promise.all(apps.map(containersOf))).flat()).toEqual([])
})

it('what a build is done with goes when the build is over, and another waits for the next push', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.begin(appId)
  const used = await all.take(appId, asItIs, never)
  all.remove(appId, used)
  await exitOf(used, 'true')
  expect(await containersOf(appId)).toEqual([used.id])
  all.over(appId, { kind: 'packs', toolchains: [], stack: 'debian-13' })
  await expect.poll(() => containersOf(appId)).toEqual([expect.not.stringMatching(used.id)])
  const [waiting] = await containersOf(appId)
  const next = await all.take(appId, asItIs, never)
  expect(next.id).toBe(waiting)
  all.remove(appId, next)
})

it('whoever needs the app to have none does not wait for the end of its build', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.begin(appId)
  all.remove(appId, await all.take(appId, asItIs, never))
  await all.without(appId, async () => expect(await containersOf(appId)).toEqual([]))
})

it('one that waits for no announced push makes room for one that is, the oldest first', async () => {
  await using all = sandboxes()
  const [first, second, third, fourth] = Array.from({ length: 4 }, () => newId<AppId>())
  for (const appId of [first!, second!]) {
    all.begin(appId)
    const used = await all.take(appId, asItIs, never)
    all.remove(appId, used)
    all.over(appId, { kind: 'packs', toolchains: [], stack: 'debian-13' })
    await expect.poll(() => containersOf(appId)).toEqual([expect.not.stringMatching(used.id)])
  }
  all.prepare(third!)
  await expect.poll(() => containersOf(third!)).toHaveLength(1)
  await expect.poll(() => containersOf(first!)).toEqual([])
  expect(await containersOf(second!)).toHaveLength(1)
  all.prepare(second!)
  all.prepare(fourth!)
  expect(await containersOf(fourth!)).toEqual([])
  expect(await containersOf(second!)).toHaveLength(1)
})

it('one that waits is not used when the images of its stack are new', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.prepare(appId)
  all.renew('debian-12')
  await expect.poll(() => containersOf(appId)).toHaveLength(1)
  all.renew(usualStack)
  await expect.poll(() => containersOf(appId)).toEqual([])
})

it('the tree of a build is made ready for the next one when the build is over, not while its app starts', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.begin(appId)
  all.keepTree(appId, usualStack, { path: 'node_modules', id: '0'.repeat(64) })
  const used = await all.take(appId, asItIs, never)
  expect(await containersOf(appId)).toEqual([used.id])
  all.remove(appId, used)
  all.over(appId, undefined)
})

it('one that the engine lost is not used', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.prepare(appId)
  await expect.poll(() => containersOf(appId)).toHaveLength(1)
  const [lost = ''] = await containersOf(appId)
  await expect.poll(() => docker('inspect', '--format', '{{.State.Running}}', lost)).toBe('true')
  await docker('kill', lost)
  const sandbox = await all.take(appId, asItIs, never)
  expect(sandbox.id).not.toBe(lost)
  expect(await exitOf(sandbox, 'true')).toBe(0)
  all.remove(appId, sandbox)
})

it('an empty cache is had although one was prepared with the old one', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  const first = await all.take(appId, asItIs, never)
  expect(await exitOf(first, 'touch', '/cache/file')).toBe(0)
  all.remove(appId, first)
  all.prepare(appId)
  const second = await all.take(appId, { emptyCache: true }, never)
  expect(await exitOf(second, 'test', '-e', '/cache/file')).toBe(1)
  all.remove(appId, second)
})

it('whoever needs the app to have none gets that', async () => {
  await using all = sandboxes()
  const appId = newId<AppId>()
  all.prepare(appId)
  await all.without(appId, async () => {
    expect(await containersOf(appId)).toEqual([])
    all.prepare(appId)
    expect(await containersOf(appId)).toEqual([])
  })
})

it('the newest tree of an app is known without a list of images once there was one, until it is gone', async () => {
  const { engine } = server
  const appId = newId<AppId>()
  let lists = 0
  const trees = new AppTrees({
    findImage: (digest) => engine.findImage(digest),
    listImages: (filter) => (lists++, engine.listImages(filter)),
  })
  const newest = async () => (await trees.newest({ appId, use: 'run', bases: [image] }))?.id
  const make = (id: string) => {
    const labels = { 'paas.app': appId, ...treeLabels('run', { path: 'node_modules', id }, image) }
    return engine.appendLayer({ base: image.digest, layer: tar([{ name: id }, id]), config: { labels } })
  }
  expect(await newest()).toBe(undefined)
  const one = await make('one')
  trees.remember(appId, 'run', one)
  const two = await make('two')
  trees.remember(appId, 'run', two)
  expect([await newest(), lists]).toEqual(['two', 1])
  expect(await trees.newest({ appId, use: 'run', bases: [] })).toBe(undefined)
  await engine.removeImage(two.digest)
  expect([await newest(), await newest(), lists]).toEqual(['one', 'one', 2])
})
