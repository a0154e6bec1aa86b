import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DynoSpec } from '../../src/engine/engine.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { docker, never, testEngine, type TestEngine } from './support.ts'

let server: TestEngine
beforeAll(async () => {
  server = await testEngine()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

async function volume(kind: 'volume' | 'service' = 'volume', owner: string = server.appId) {
  const key = { id: randomUUID() as string, owner }
  await server.engine.createVolume({ ...key, kind, name: 'media' })
  return key
}

/** Runs a one-off to its end; gives what it printed. */
async function run(command: string | null, spec: Partial<DynoSpec> = {}) {
  const { id } = await server.dyno(command, { name: 'run.1', type: 'run', restart: false, ...spec })
  await server.engine.waitDyno(id, never)
  const output = await docker('logs', id)
  await server.engine.stopDyno(id, 0)
  return output
}

it('what a dyno writes to a volume the next one reads, and the volume says what it is', async () => {
  const key = await volume()
  const volumes = [{ ...key, at: '/app/media' }]
  expect(await run('echo hello > media/greeting && stat -c "%a %u" media && id -u', { volumes })).toMatch(
    /^777 (\d+)\n\1$/,
  )
  expect(await run('cat media/greeting', { volumes })).toBe('hello')
  const [found] = await server.engine.listVolumes({ owner: key.owner })
  expect(found).toMatchObject({ ...key, kind: 'volume', name: 'media' })
  expect(Date.now() - found!.createdAt.getTime()).toBeLessThan(600_000)
  await server.engine.createVolume({ ...key, kind: 'volume', name: 'media' })
  expect(await run('cat media/greeting', { volumes })).toBe('hello')
  await server.engine.removeVolume(key)
})

it('an image’s own user may write to a volume, and one who closed it finds it closed', async () => {
  const key = await volume('service')
  const { digest: image } = await server.load({
    User: '4242:4343',
    Cmd: ['bash', '-c', 'chmod 700 /data; stat -c "%a %u" /data'],
  })
  const volumes = [{ ...key, at: '/data' }]
  expect(await run(null, { image, volumes })).toBe('700 4242')
  expect(await run('stat -c "%a %u" /data', { volumes })).toBe('700 4242')
  await server.engine.removeVolume(key)
})

it('a read-only mount cannot be written to', async () => {
  const key = await volume()
  await run('echo 1 > /data/a', { volumes: [{ ...key, at: '/data' }] })
  const volumes = [{ ...key, at: '/data', readOnly: true }]
  expect(await run('cat /data/a; echo 2 > /data/a 2>/dev/null || echo refused', { volumes })).toBe('1\nrefused')
  await server.engine.removeVolume(key)
})

it('a volume that is gone stops what wants it, and no empty one takes its place', async () => {
  const key = await volume()
  await server.engine.removeVolume(key)
  await server.engine.removeVolume(key)
  const volumes = [{ ...key, at: '/data' }]
  await expect(server.dyno('true', { volumes })).rejects.toMatchObject({ code: 'volume_missing' })
  expect(await server.engine.listVolumes({ owner: key.owner })).toEqual([])
  expect(await server.engine.dataBytes(key)).toBe(0)
})

it('a volume stays while a dyno has it, and at the end of its app', async () => {
  const appId = newId<AppId>()
  const key = await volume('volume', appId)
  await server.dyno('sleep 1000', { appId, volumes: [{ ...key, at: '/data' }] })
  await expect(server.engine.removeVolume(key)).rejects.toMatchObject({ code: 'volume_in_use' })
  await server.engine.removeApp(appId)
  expect(await server.engine.listVolumes({ owner: appId })).toHaveLength(1)
  await server.engine.removeVolume(key)
})

it('what is in a volume is measured, and is not what its dyno has written', async () => {
  const key = await volume()
  const { id } = await server.dyno('head -c 3000000 /dev/urandom > /data/x; sleep 1000', {
    name: 'worker.1',
    type: 'worker',
    volumes: [{ ...key, at: '/data' }],
  })
  await expect.poll(() => server.engine.dataBytes(key)).toBeGreaterThanOrEqual(3_000_000)
  const overfull = await server.engine.overfullDynos(1)
  expect(overfull.map(({ dyno }) => dyno.id)).not.toContain(id)
  await server.engine.stopDyno(id, 0)
  await server.engine.removeVolume(key)
})
