import { expect, it } from 'vitest'
import { ipv4Range } from '../../src/engine/docker/subnets.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { limits, docker, never, testEngine, type TestEngine } from './support.ts'

type Network = { Name: string; Driver: string; Options: Record<string, string>; IPAM: { Config: { Subnet: string }[] } }

async function networksOf({ serverId }: TestEngine): Promise<Network[]> {
  const ids = await docker('network', 'ls', '--quiet', '--filter', `label=paas.server=${serverId}`)
  return ids === '' ? [] : (JSON.parse(await docker('network', 'inspect', ...ids.split('\n'))) as Network[])
}

/** Fails after its network was made, which is much faster than a dyno that starts. */
async function makeNetwork({ engine, image }: TestEngine, appId: AppId) {
  const spec = { appId, app: 'acme', type: 'web', release: 1, image, size: 'basic', limits, env: {}, restart: false }
  await expect(engine.runDyno({ ...spec, name: 'not a name', command: 'true' }, never)).rejects.toThrow(/invalid/i)
}

it('two servers at once have networks for more apps than Docker’s own pools allow', async () => {
  await using one = await testEngine()
  await using two = await testEngine()
  const apps = Array.from({ length: 18 }, () => newId<AppId>())
  await Promise.all([one, two].flatMap((server) => apps.map((appId) => makeNetwork(server, appId))))
  const networks = [...(await networksOf(one)), ...(await networksOf(two))]
  expect(networks).toHaveLength(36)
  const subnets = networks.map(({ IPAM }) => IPAM.Config[0]?.Subnet ?? '')
  expect(new Set(subnets).size).toBe(36)
  const pool = ipv4Range('10.208.0.0/12')!
  for (const subnet of subnets) {
    const range = ipv4Range(subnet)!
    expect(range.first >= pool.first && range.last <= pool.last).toBe(true)
  }
})

it('an app has one network to run and another to build, whose bridges our rules match', async () => {
  await using server = await testEngine()
  await Promise.all(Array.from({ length: 5 }, () => makeNetwork(server, server.appId)))
  await using _sandbox = await server.sandbox()
  const networks = await networksOf(server)
  expect(networks.map(({ Name }) => Name.replace(/.*-/, '')).sort()).toEqual(['build', 'run'])
  await using _stack = await server.sandbox({ appId: undefined })
  const [own] = (await networksOf(server)).filter(({ Name }) => Name.includes('platform'))
  expect(own?.Options['com.docker.network.bridge.name']).toMatch(/^stack[0-9a-f]{10}$/)
  for (const { Options } of networks) {
    expect(Options['com.docker.network.bridge.name']).toMatch(/^paas[0-9a-f]{11}$/)
  }
  await server.engine.removeApp(server.appId)
  expect((await networksOf(server)).map(({ Name }) => Name)).toEqual([own?.Name])
})
