import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtLayer, docker, gzippedLayer, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(() => server[Symbol.asyncDispose]())

const run = { Cmd: ['cat', '/file'] }
const notWhole = {
  code: 'build_failed',
  fault: 'user',
  message: 'The Dockerfile build did not produce a complete image.',
}

it('an image comes with the layers that the engine lacks, and with labels of ours whatever it says', async () => {
  const layer = await builtLayer([{ name: 'file' }, 'content'])
  const Labels = { 'paas.server': 'forged', 'paas.kind': 'dyno', 'paas.dyno': 'web.1', mine: 'yes' }
  const config = { ...run, Labels, Volumes: { '/data': {} }, OnBuild: ['RUN false'], ExposedPorts: { '8000/tcp': {} } }
  const image = await server.load(config, [layer])
  const ours = { 'paas.server': server.serverId, 'paas.kind': 'image', 'paas.app': server.appId, mine: 'yes' }
  expect(image).toMatchObject({ labels: ours, exposedPorts: [8000], hasVolumes: true })
  expect(Object.keys(image.labels)).toHaveLength(4)
  expect(await docker('run', '--rm', '--network=none', image.digest)).toBe('content')
  const [{ Config }] = JSON.parse(await docker('inspect', image.digest)) as [{ Config: Record<string, unknown> }]
  expect([Config['Volumes'] ?? null, Config['OnBuild'] ?? null]).toEqual([null, null])
})

it('what has nothing to run is refused', async () => {
  await expect(server.load({ Cmd: [] })).rejects.toMatchObject({
    message: expect.stringContaining('neither CMD nor ENTRYPOINT'),
  })
})

it('a layer of another tenant is not had by naming it', async () => {
  const secret = await builtLayer([{ name: 'file' }, `secret of another app ${randomBytes(8).toString('hex')}`])
  await server.load(run, [secret])
  await expect(server.load(run, [secret], { delivered: [] })).rejects.toMatchObject(notWhole)
  const other = await builtLayer([{ name: 'file' }, 'x'])
  const forged = { ...other, diffId: secret.diffId }
  await expect(server.load(run, [forged])).rejects.toMatchObject(notWhole)
  await server.load(run, [other])
  const named = await server.load(run, [{ ...other, blob: secret.blob }])
  const saved = await docker('save', named.digest)
  expect(saved).not.toContain('secret of another app')
  expect(saved).not.toContain(secret.content.toString('latin1'))
  const twice = [other, { ...secret, blob: other.blob }]
  await expect(server.load(run, twice, { delivered: [other] })).rejects.toMatchObject(notWhole)
})

it('a layer that unpacks to more than a build may write, or is no tar, ends before the engine has it', async () => {
  const bomb = await builtLayer([{ name: 'file' }, '0'.repeat(60 * 2 ** 20)])
  expect(bomb.content.length).toBeLessThan(2 ** 20)
  await expect(server.load(run, [bomb])).rejects.toMatchObject({ message: expect.stringContaining('50 MiB') })
  await expect(server.load(run, [gzippedLayer(randomBytes(5000))])).rejects.toMatchObject(notWhole)
  const sparse = await builtLayer([{ name: 'file', pax: { 'GNU.sparse.realsize': '99999999999' } }, 'x'])
  await expect(server.load(run, [sparse])).rejects.toMatchObject(notWhole)
})

it('a configuration that the engine cannot read is the user’s failure, and nothing of it remains', async () => {
  const before = await server.engine.listImages()
  const unreadable = [
    { Env: { not: 'a list' } },
    { Entrypoint: 'text' },
    { Cmd: [7] },
    { User: 1000 },
    { ExposedPorts: { '80/tcp': 1 } },
    { Healthcheck: { test: 5, Test: ['CMD', 'x'] } },
    { Labels: { a: 1 } },
  ]
  for (const wrong of unreadable) {
    await expect(server.load({ Cmd: ['x'], ...wrong })).rejects.toMatchObject({ code: 'build_failed', fault: 'user' })
  }
  expect(await server.engine.listImages()).toEqual(before)
})
