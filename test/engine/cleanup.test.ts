import { expect, it } from 'vitest'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, tar, testEngine, type TestEngine } from './support.ts'

async function everythingOf({ serverId }: TestEngine) {
  const label = ['--quiet', '--filter', `label=paas.server=${serverId}`]
  const lists = [
    ['ps', '--all', ...label],
    ['network', 'ls', ...label],
    ['volume', 'ls', ...label],
    ['images', ...label],
  ]
  return (await Promise.all(lists.map((argv) => docker(...argv)))).join('').trim()
}

async function useEverything(server: TestEngine, appId: AppId) {
  await using _sandbox = await server.sandbox({ appId, cacheAt: '/cache' })
  const config = { labels: { 'paas.app': appId } }
  const { digest } = await server.engine.createImage({
    base: server.image,
    files: tar([{ name: 'f' }]),
    path: '/app',
    config,
  })
  return await server.dyno('sleep 1000', { appId, image: digest })
}

it('removing an app leaves nothing of it, and all of the others', async () => {
  await using server = await testEngine()
  await using other = await testEngine()
  const neighbour = newId<AppId>()
  await useEverything(server, server.appId)
  const staying = await useEverything(server, neighbour)
  const foreign = await useEverything(other, server.appId)
  await server.engine.removeApp(server.appId)
  await server.engine.removeApp(server.appId)
  expect(await server.engine.listDynos()).toEqual([staying])
  expect(await server.engine.listImages({ appId: server.appId })).toEqual([])
  expect(await server.engine.listImages({ appId: neighbour })).toHaveLength(1)
  await server.engine.removeApp(neighbour)
  expect(await everythingOf(server)).toBe('')
  expect(await other.engine.listDynos()).toEqual([foreign])
  expect(await other.engine.listImages()).toHaveLength(1)
})

it('removing a server leaves nothing of it', async () => {
  await using server = await testEngine()
  await useEverything(server, server.appId)
  await server.engine.removeServer()
  expect(await everythingOf(server)).toBe('')
})

it('orphans are sandboxes and one-offs of this server, not its dynos', async () => {
  await using server = await testEngine()
  await using other = await testEngine()
  const sandbox = await server.sandbox()
  await server.dyno('sleep 1000', { name: 'release.1', type: 'release', restart: false })
  const staying = await server.dyno('sleep 1000')
  const foreign = await other.dyno('sleep 1000', { name: 'run.1', restart: false })
  expect(await server.engine.removeOrphans()).toBe(2)
  expect(await server.engine.removeOrphans()).toBe(0)
  expect(await server.engine.listDynos()).toEqual([staying])
  expect(await other.engine.listDynos()).toEqual([foreign])
  await sandbox[Symbol.asyncDispose]()
})

it('the cache of an app is removed by itself, once no sandbox has it', async () => {
  await using server = await testEngine()
  await server.engine.removeCache(server.appId)
  const sandbox = await server.sandbox({ cacheAt: '/cache' })
  await expect(server.engine.removeCache(server.appId)).rejects.toMatchObject({ code: 'cache_in_use' })
  await sandbox[Symbol.asyncDispose]()
  const volumes = () => docker('volume', 'ls', '--quiet', '--filter', `label=paas.server=${server.serverId}`)
  expect(await volumes()).not.toBe('')
  await server.engine.removeCache(server.appId)
  expect(await volumes()).toBe('')
})
