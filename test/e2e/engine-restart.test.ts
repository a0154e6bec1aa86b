import { createServer, connect, type Server } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStack } from '../../src/build/stack/debian.ts'
import { createToolbox } from '../../src/build/toolbox.ts'
import { loadConfig } from '../../src/config.ts'
import { connectDocker } from '../../src/engine/docker/docker.ts'
import { createLog } from '../../src/log.ts'
import { TestApp, until } from '../helpers/app.ts'
import { TestEngine } from '../helpers/test-engine.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** The engine dies and comes back; so does the whole machine. Every app is back on its release, with no push. */

let engine: TestEngine
let server: TestServer
let entrance: Server

beforeAll(async () => {
  engine = await TestEngine.start()
  engine.copyImages(await stackImages())
  server = await startServer({ env: { DOCKER_HOST: engine.dockerHost }, prefix: engine.enter })
  entrance = forward(server.port, engine.address)
  await once(entrance, 'listening')
})
afterAll(async () => {
  entrance?.close()
  await server?.stop()
  await engine?.[Symbol.asyncDispose]()
})

/** The server listens inside the engine's network namespace; tests come from outside it. */
function forward(port: number, address: string): Server {
  return createServer((outer) => {
    const inner = connect(port, address)
    outer.pipe(inner).pipe(outer)
    outer.on('error', () => inner.destroy())
    inner.on('error', () => outer.destroy())
  }).listen(port, '127.0.0.1')
}

/** The images of the stack as this checkout defines them, found by asking for each as set-up does. */
async function stackImages(): Promise<string[]> {
  const config = loadConfig({ DOCKER_HOST: process.env['DOCKER_HOST'] })
  const engine = connectDocker({ docker: config.docker, serverId: 'engine-restart', log: createLog('test', 'silent') })
  const references = new Set<string>()
  const findImage = (reference: string): ReturnType<typeof engine.findImage> => {
    references.add(reference)
    return engine.findImage(reference)
  }
  const asked = { ...engine, findImage }
  await createToolbox({ engine: asked, stack: createStack({ engine: asked, config }) }).prepare(() => undefined)
  return [...references]
}

async function served(fixture: string): Promise<TestApp> {
  const app = await TestApp.create(server, fixture)
  const push = await app.push()
  expect(push.code, push.output).toBe(0)
  return app
}

const serves = (app: TestApp) => async (): Promise<boolean> => (await app.get()).status === 200

describe('when the engine restarts', () => {
  it.each(['an orderly stop', 'a power cut'] as const)(
    'after %s every app serves its release again, at whatever address it has now',
    async (how) => {
      const apps = [await served('node-hello'), await served('static-site')]
      const releases = await Promise.all(apps.map((app) => currentRelease(app)))
      await (how === 'a power cut' ? engine.cutPower() : engine.stopDaemon())
      const down = { name: 'web.1', state: 'down', reason: { id: 'engine_unavailable' } }
      await expect.poll(async () => (await apps[0]!.api('GET', '/dynos')).body).toMatchObject([down])
      await engine.startDaemon()
      for (const app of apps) await until(`${app.name} serves again`, serves(app), 60_000)
      expect(await Promise.all(apps.map((app) => currentRelease(app)))).toEqual(releases)
      // The router may lead to it, at its address of before, a moment before the worker has asked it.
      await expect
        .poll(async () => (await apps[0]!.api('GET', '/dynos')).body)
        .toMatchObject([{ name: 'web.1', state: 'up', reason: null }])
      const push = await apps[0]?.push('HEAD:refs/deploy/main')
      expect(push?.code, push?.output).toBe(0)
      for (const app of apps) await app.api('DELETE', '')
    },
  )

  it('and of the server, as after a reboot, every app serves its release again', async () => {
    const app = await served('node-hello')
    await server.kill()
    await engine.cutPower()
    await engine.startDaemon()
    await server.start()
    await until('the app serves again', serves(app), 60_000)
  })

  it('a push that comes while the engine is down waits for it or is refused with the reason', async () => {
    const app = await served('node-hello')
    await engine.stopDaemon()
    await app.repository.commit('while down')
    const push = app.push()
    await engine.startDaemon()
    const { code, output } = await push
    expect(code === 0 ? 'deployed' : output).toMatch(/^deployed$|Docker Engine/i)
    await until('the app serves, by whichever release', serves(app))
  })
})

async function currentRelease(app: TestApp): Promise<number | undefined> {
  const { body } = await app.api<{ version: number; current: boolean }[]>('GET', '/releases')
  return body.find(({ current }) => current)?.version
}
