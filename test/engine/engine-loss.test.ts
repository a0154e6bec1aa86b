import { expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { newId, type AppId } from '../../src/model/ids.ts'
import { TestEngine } from '../helpers/test-engine.ts'
import { limits, never, tar } from './support.ts'

it('whatever waits for an engine that stops ends then, and goes on with the engine when it is back', async () => {
  const config = loadConfig()
  const log = createLog('test', 'silent')
  await using docker = await TestEngine.start()
  const stackImage = await createStack({
    engine: connectDocker({ ...config, serverId: 'loss', log }),
    config,
  }).runImage([], () => undefined)
  docker.copyImages(stackImage.references)
  const socket = { kind: 'socket' as const, path: docker.dockerHost.slice('unix://'.length) }
  const engine = connectDocker({ docker: socket, serverId: 'loss', log })
  const image = (await engine.findImage(stackImage.references[0] ?? ''))?.digest ?? ''
  const appId = newId<AppId>()
  const spec = { appId, app: 'acme', name: 'web.1', type: 'web', release: 1, image, size: 'basic', limits, env: {} }
  const dyno = await engine.runDyno({ ...spec, command: 'echo up; sleep 1000', restart: true }, never)
  const sandboxSpec = { appId, image, user: 'app', limits, env: {}, labels: {} }
  const sandbox = await engine.createSandbox({ ...sandboxSpec, name: 'b' }, never)
  const other = await engine.createSandbox({ ...sandboxSpec, name: 'c' }, never)
  const order = { argv: ['sleep', '1001'], env: {}, files: tar() }

  const lost = { code: 'engine_unavailable', fault: 'server' }
  const ends = Promise.allSettled([
    sandbox.exec({ argv: ['sleep', '1000'] }, () => undefined, never),
    other.run(order, () => undefined, never).then(({ exit }) => exit()),
    Array.fromAsync(engine.dynoOutput(dyno.id, { follow: true }, never)),
    Array.fromAsync(engine.watch(never)),
  ])
  await expect.poll(() => docker.docker('top', sandbox.id)).toContain('sleep 1000')
  await expect.poll(() => docker.docker('top', other.id)).toContain('sleep 1001')
  await docker.stopDaemon()
  const [exec, run, output, events] = await ends
  expect(exec).toMatchObject({ status: 'rejected', reason: lost })
  expect(run).toMatchObject({ status: 'rejected', reason: lost })
  expect(output).toMatchObject({ status: 'rejected', reason: lost })
  expect(events.status).toBe('fulfilled')
  await expect(engine.listDynos()).rejects.toMatchObject(lost)

  await docker.startDaemon()
  await expect.poll(() => engine.findDyno(dyno.id)).toMatchObject({ state: { kind: 'running' } })
  expect(await engine.removeOrphans()).toBe(2)
  await engine.stopDyno(dyno.id, 0)
  await engine.removeApp(appId)
  expect(await engine.listDynos()).toEqual([])
})
