import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TestApp, until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { readLog } from '../helpers/logs.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'

/** An app that keeps its data in SQLite on a volume, and must never run twice. */

let server: TestServer
beforeAll(async () => {
  server = await startServer({ env: { PAAS_DEPLOY_HOLD: '1', PAAS_STOP_GRACE: '5', PAAS_PATROL_INTERVAL: '2' } })
})
afterAll(() => server?.stop())

/** Each POST adds a row. `boot`: what happens before it listens. */
const source = (text: string, boot: string, stopMs: number): string => `
const { DatabaseSync } = require('node:sqlite')
const db = new DatabaseSync('/app/data/db.sqlite')
db.exec('CREATE TABLE IF NOT EXISTS visits (at INTEGER)')
${boot}
const server = require('node:http').createServer((request, answer) => {
  if (request.method === 'POST') db.prepare('INSERT INTO visits VALUES (?)').run(Date.now())
  const { n } = db.prepare('SELECT count(*) AS n FROM visits').get()
  answer.end('${text} ' + n)
})
server.listen(process.env.PORT)
process.on('SIGTERM', () => setTimeout(() => server.close(() => process.exit(0)), ${stopMs}))
`

/** flock(1) ends with 99 when another one has the lock, wherever that runs. */
const procfile = 'web: exec flock --no-fork --nonblock --conflict-exit-code 99 /app/data/lock node server.js\n'

async function writeVersion(app: TestApp, text: string, boot = '', stopMs = 0): Promise<void> {
  await app.repository.write('server.js', source(text, boot, stopMs))
  await app.repository.commit(text)
}

async function deployed(stopMs = 0): Promise<TestApp> {
  const app = await TestApp.create(server, 'node-hello')
  await app.repository.write('Procfile', procfile)
  await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
  await writeVersion(app, 'v1', '', stopMs)
  const { code, output } = await app.push()
  expect(code, output).toBe(0)
  return app
}

const slowBoot = (seconds: number): string => `for (const end = Date.now() + ${seconds * 1000}; Date.now() < end;);`

async function isIn(app: TestApp, state: string): Promise<boolean> {
  return (await app.api<{ state: string }[]>('GET', '/dynos')).body.some((dyno) => dyno.state === state)
}

/** Writes through several connections without a pause, until stopped. */
function writing(app: TestApp, writers = 4) {
  const failures: string[] = []
  let written = 0
  let running = true
  let longest = 0
  const loop = async (): Promise<void> => {
    while (running) {
      const begin = performance.now()
      const answer = await request({ port: server.port, host: app.host, method: 'POST', path: '/' }).catch(String)
      longest = Math.max(longest, performance.now() - begin)
      if (typeof answer !== 'string' && answer.status === 200) written++
      else failures.push(typeof answer === 'string' ? answer : `${answer.status} ${answer.body.slice(0, 80)}`)
      await new Promise((wake) => setTimeout(wake, 10))
    }
  }
  const loops = Array.from({ length: writers }, loop)
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      return { failures, written, longest }
    },
  }
}

const rows = async (app: TestApp): Promise<number> => Number((await app.get()).body.split(' ')[1])
/** Of the dyno's own lines: there are many more of requests. */
const crashes = async (app: TestApp): Promise<string[]> => {
  const lines = (await readLog(app, { source: 'heroku', dyno: 'web.1' })).split('\n')
  expect(lines.some((line) => /Starting process/.test(line))).toBe(true)
  return lines.filter((line) => /exited with status 99/.test(line))
}

describe('an app with a volume of one writer', () => {
  it('is deployed 20 times under steady writing with no request failed, no row lost, and never two writers', async () => {
    await using app = await deployed()
    const load = writing(app)
    for (let version = 2; version <= 21; version++) {
      await writeVersion(app, `v${version}`)
      const { code, output } = await app.push()
      expect(code, output).toBe(0)
      expect(output).toMatch(/Stopping web\.1, since one dyno at a time may write its volume/)
    }
    const { failures, written, longest } = await load.stop()
    console.log(`20 deploys: ${written} written, longest ${Math.round(longest)} ms`)
    expect(failures).toEqual([])
    expect((await app.get()).body).toBe(`v21 ${written}`)
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  }, 600_000)

  it('has its old release back, with no request failed, after a release that does not boot', async () => {
    await using app = await deployed()
    const load = writing(app)
    await writeVersion(app, 'v2', `console.log('no luck'); process.exit(3)`)
    const { code, output } = await app.push()
    expect(code, output).toBe(1)
    expect(output).toMatch(/boot failed: web\.1 exited with 3/)
    expect(output).toMatch(/v\d+ serves again/)
    // Dies in the hold, after the switch.
    await writeVersion(app, 'v3', 'setTimeout(() => process.exit(4), 600)')
    expect((await app.push()).code).toBe(1)
    const { failures, written } = await load.stop()
    expect(failures.filter((failure) => !/H13/.test(failure))).toEqual([])
    expect((await app.get()).body).toBe(`v1 ${written}`)
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  })

  it('is restarted, configured and rolled back without a failed request', async () => {
    await using app = await deployed()
    const load = writing(app)
    const dynoId = async () => (await app.api<{ id: string }[]>('GET', '/dynos')).body[0]?.id
    const before = await dynoId()
    await app.api('DELETE', '/dynos')
    await until('another dyno serves', async () => {
      const now = await dynoId()
      return now !== undefined && now !== before
    })
    await app.api('PATCH', '/config-vars', { A: '1' })
    const newest = async () =>
      (await app.api<{ status: string; version: number }[]>('GET', '/releases')).body.toSorted(
        (one, other) => other.version - one.version,
      )[0]
    await until('the change serves', async () => (await newest())?.status === 'succeeded')
    await app.api('POST', '/releases', { release: String(((await newest())?.version ?? 0) - 1) })
    await until('the rollback serves', async () => (await newest())?.status === 'succeeded')
    const { failures, written } = await load.stop()
    expect(failures).toEqual([])
    expect(await rows(app)).toBe(written)
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  })

  it('serves what mends its config soon, with no request failed, where a change keeps it from booting', async () => {
    await using app = await deployed()
    await writeVersion(app, 'v2', `if (process.env.BREAK === 'boot') for (;;);`)
    expect((await app.push()).code).toBe(0)
    const load = writing(app)
    await app.api('PATCH', '/config-vars', { BREAK: 'boot' })
    await until('the new one starts', () => isIn(app, 'starting'), 60_000)
    const begin = performance.now()
    await app.api('PATCH', '/config-vars', { BREAK: null })
    type Shown = { version: number; current: boolean; superseded_by: number | null }
    const shown = async () =>
      (await app.api<Shown[]>('GET', '/releases')).body.toSorted((a, b) => a.version - b.version)
    await until('the mended config serves', async () => (await shown()).at(-1)?.current, 30_000)
    console.log(`mended after ${Math.round(performance.now() - begin)} ms`)
    const { failures, written } = await load.stop()
    expect(failures).toEqual([])
    expect((await app.get()).body).toBe(`v2 ${written}`)
    await until('the other one is superseded', async () => (await shown()).at(-2)?.superseded_by)
    expect((await shown()).at(-2)?.superseded_by).toBe((await shown()).at(-1)?.version)
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  })

  it.each(['stopping', 'starting'])(
    'survives kill -9 of the worker while a dyno is %s, without two writers or a failed request',
    async (state) => {
      await using app = await deployed(1000)
      const load = writing(app)
      await writeVersion(app, 'v2', slowBoot(1.5))
      const push = app.push()
      await until(`one is ${state}`, () => isIn(app, state), 60_000)
      process.kill(rolePid(server.pid, 'worker'), 'SIGKILL')
      const { code, output } = await push
      expect(code, output).toBe(0)
      const { failures, written } = await load.stop()
      expect(failures).toEqual([])
      expect((await app.get()).body).toBe(`v2 ${written}`)
      expect(await crashes(app)).toEqual([])
      await app.api('DELETE', '?volumes=destroy')
    },
  )

  it('holds on after kill -9 of the router in the midst of a deploy; only its own connections end', async () => {
    await using app = await deployed()
    const load = writing(app)
    await writeVersion(app, 'v2', slowBoot(3))
    const push = app.push()
    await until('the new one starts', () => isIn(app, 'starting'), 60_000)
    process.kill(rolePid(server.pid, 'router'), 'SIGKILL')
    // Its own connection goes through the router too; the build goes on without it.
    await push
    await until('the new one serves', async () => (await app.get()).body.startsWith('v2'), 60_000)
    const { failures } = await load.stop()
    expect(failures.filter((failure) => !/ECONNRESET|hang up/.test(failure))).toEqual([])
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  })

  it('is taken over by another server, router and all, while requests are held, and none fails', async () => {
    await using app = await deployed()
    const load = writing(app)
    await writeVersion(app, 'v2', slowBoot(3))
    const push = app.push()
    await until('the new one starts', () => isIn(app, 'starting'), 60_000)
    await server.takeOver()
    await push
    await until('the new one serves', async () => (await app.get()).body.startsWith('v2'), 60_000)
    const { failures, written } = await load.stop()
    expect(failures).toEqual([])
    expect(await rows(app)).toBe(written)
    expect(await crashes(app)).toEqual([])
    await app.api('DELETE', '?volumes=destroy')
  })
})
