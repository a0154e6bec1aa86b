import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { watchApp } from '../helpers/load.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** The time after the switch, on a server as users have it. */

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { PAAS_DEPLOY_HOLD: '3', PAAS_STOP_GRACE: '3', PAAS_DRAIN_TIMEOUT: '3' } })
})
afterAll(() => server?.stop())

const listen = (text: string, then = ''): string =>
  `require('node:http').createServer((q, a) => a.end('${text}')).listen(process.env.PORT${then})\n`

async function deployed(source = listen('good')): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  await change(app, source)
  const { code, output } = await app.push()
  expect(code, output).toBe(0)
  return app
}

async function change(app: TestApp, source: string): Promise<string> {
  await app.repository.write('server.js', source)
  return app.repository.commit('change')
}

describe('a push', () => {
  it('is exit 1 with the last lines when the app dies after the switch, and no request is lost', async () => {
    await using app = await deployed()
    const watch = watchApp(app, /^(good|bad)$/)
    await change(app, listen('bad', `, () => setTimeout(() => { console.log('no luck'); process.exit(1) }, 1500)`))
    const { code, output } = await app.push()
    expect(code, output).toBe(1)
    expect(output).toMatch(/Released v3\s/)
    expect(output).not.toMatch(/Verifying deploy... done/)
    expect(output).toMatch(/Last lines of web\.1:[^!]*no luck/)
    expect(output).toMatch(
      /\[remote rejected\] main -> main \(boot failed: in the 3 s after the switch web\.1 exited with 1\)/,
    )
    await until('the old one serves', async () => (await app.get()).body === 'good')
    expect((await watch.stop()).failures).toEqual([])
    await app.api('DELETE', '')
  })

  it('of gunicorn whose app cannot be imported is exit 1', async () => {
    await using app = await TestApp.create(server, 'python-flask')
    await app.repository.write('Procfile', 'web: gunicorn app:app\n')
    await app.repository.write('app.py', 'import flask\nimport no_such_module\n')
    await app.repository.commit('break the import')
    const { code, output } = await app.push()
    expect(code, output).toBe(1)
    expect(output).toMatch(/Worker failed to boot/)
    expect(output).toMatch(/boot failed: web\.1 exited with [13]/)
    await app.api('DELETE', '')
  })
})

it('a dyno that is stopped is never shown as crashed', async () => {
  await using app = await deployed()
  await app.api('PATCH', '/formation/web', { quantity: 0 })
  const states = new Set<string>()
  await until('it is gone', async () => {
    const { body } = await app.api<{ state: string }[]>('GET', '/dynos')
    for (const { state } of body) states.add(state)
    return body.length === 0
  })
  expect([...states].filter((state) => state !== 'up' && state !== 'stopping')).toEqual([])
  await app.api('DELETE', '')
})

describe('kill -9 of the worker while new dynos are watched', () => {
  it('leaves the old release current, tries the build again, and loses no request', async () => {
    await using app = await deployed()
    const commit = await change(app, listen('new'))
    const watch = watchApp(app, /^(good|new)$/)
    const push = app.push()
    await until('the new one serves', async () => (await app.get()).body === 'new', 60_000)
    process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
    const { body } = await app.api<{ status: string; current: boolean }[]>('GET', '/releases')
    expect(body.filter(({ current }) => current)).toMatchObject([{ version: 2, status: 'succeeded' }])
    const { code, output } = await push
    expect(code, output).toBe(0)
    expect(output).toMatch(/The build was restarted: the server was interrupted\./)
    expect((await app.get()).body).toBe('new')
    expect((await watch.stop()).failures).toEqual([])
    expect((await app.repository.git('ls-remote', 'paas', 'main')).output).toContain(commit)
    await until('one dyno is left', async () => (await app.api<unknown[]>('GET', '/dynos')).body.length === 1)
    await app.api('DELETE', '')
  })
})
