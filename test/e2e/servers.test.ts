import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { watchApp } from '../helpers/load.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

async function served(server: TestServer): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  const push = await app.push()
  expect(push.code, push.output).toBe(0)
  return app
}

const dynosOf = (app: { id: string }): string[] => {
  const filters = ['--filter', `label=paas.app=${app.id}`, '--filter', 'label=paas.kind=dyno']
  const list = execFileSync('docker', ['ps', '--quiet', '--no-trunc', ...filters], { encoding: 'utf8' })
  return list.split('\n').filter(Boolean)
}

describe('a server', () => {
  it('that is stopped leaves its apps running, and serves the same dynos when it is back', async () => {
    const server = await startServer()
    try {
      await using app = await served(server)
      const { body } = await app.api<{ id: string }>('GET', '')
      const before = dynosOf(body)
      expect(before).toHaveLength(1)
      await server.interrupt()
      expect(dynosOf(body)).toEqual(before)
      await server.start()
      expect((await app.get()).status).toBe(200)
      expect(dynosOf(body)).toEqual(before)
    } finally {
      await server.stop()
    }
  })

  it('that is restarted, and then taken over from in the midst of a push, loses no request and no push', async () => {
    await using server = await startServer()
    await using app = await served(server)
    const visits = watchApp(app, /./)
    await server.terminate()
    await server.start()
    const commit = await app.repository.commit('the second version')
    const push = app.push()
    await until('it builds', async () =>
      (await app.api<{ status: string }[]>('GET', '/builds')).body.some(({ status }) => status === 'pending'),
    )
    await server.takeOver()
    await push
    await until('the ref moved', async () =>
      (await app.repository.git('ls-remote', 'paas', 'main')).output.startsWith(commit),
    )
    expect((await visits.stop()).failures).toEqual([])
  })

  it('serves its apps from the saved table before api and worker are up', async () => {
    const server = await startServer()
    try {
      await using app = await served(server)
      await server.kill()
      expect((await app.get()).status).toBe(200)
      await server.start()
      expect((await app.get()).status).toBe(200)
    } finally {
      await server.stop()
    }
  })

  it('runs beside another one on the same Docker Engine', async () => {
    const servers = await Promise.all([startServer(), startServer()])
    try {
      const apps = await Promise.all(servers.map(served))
      await servers[0].stop()
      await until('the other still serves', async () => (await apps[1]?.get())?.status === 200)
      await Promise.all(apps.map((app) => app[Symbol.asyncDispose]()))
    } finally {
      await Promise.all(servers.map((server) => server.stop()))
    }
  })
})
