import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { ServerOnEngine } from '../helpers/server-on-engine.ts'
import type { TestServer } from '../helpers/server.ts'
import type { TestEngine } from '../helpers/test-engine.ts'

/** The engine dies and comes back; so does the whole machine. Every app is back on its release, with no push. */

let site: ServerOnEngine
let engine: TestEngine
let server: TestServer

beforeAll(async () => {
  site = await ServerOnEngine.start()
  ;({ engine, server } = site)
})
afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

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
