import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { api, TestApp, until } from '../helpers/app.ts'
import { openFiles } from '../helpers/descriptors.ts'
import { letGo, untilLetGo } from '../helpers/held-build.ts'
import { watchApp } from '../helpers/load.ts'
import { rolePid } from '../helpers/processes.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { canMount, SmallDisk } from '../helpers/small-disk.ts'

/** A whole server on a disk that is filled under it, and given room again. */

const roles = ['redis', 'router', 'worker', 'api']

let disk: SmallDisk
let server: TestServer
let app: TestApp
let pids: number[]

beforeAll(async () => {
  if (!canMount) return
  // Takes a push: 512 MiB and 1,000 inodes must be free for that.
  disk = new SmallDisk({ mebibytes: 768, inodes: 4000 })
  server = await startServer({ env: { PAAS_DATA: disk.path, PAAS_PATROL_INTERVAL: '1' } })
  app = await TestApp.create(server, 'node-hello')
  const first = await app.push()
  if (first.code !== 0) throw new Error(first.output)
  pids = roles.map((role) => rolePid(server.pid, role))
})
afterAll(async () => {
  using _disk = disk
  await using _server = server
  await using _app = app
})

it.skipIf(!canMount)('without inodes a push is refused as by a full disk, and taken once there are some', async () => {
  disk.fillInodes()
  await refusesAPush(/has inodes for \d+ files left and needs 1000/)
  expect((await app.get()).status).toBe(200)
  disk.empty()
  await takesAPush('after inodes were gone')
})

it.skipIf(!canMount)('a full disk refuses pushes and changes, and keeps no request from an app', async () => {
  const watch = watchApp(app, /after inodes were gone/)
  disk.fill()
  await refusesAPush(/has \d+ MiB left and needs 512/)
  const change = await api<{ id: string }>(server, 'PATCH', `/apps/${app.name}/config-vars`, {
    body: { LARGE: 'x'.repeat(60_000) },
    mayFail: true,
  })
  expect(change).toMatchObject({ status: 507, body: { id: 'disk_full' } })
  expect(await watch.stop()).toMatchObject({ failures: [] })
})

it.skipIf(!canMount)('a one-off dyno that ends while the disk is full takes no role with it', async () => {
  disk.empty()
  await app.api('POST', '/dynos', { command: 'sleep 600', attach: false })
  const [oneOff = ''] = await until('it runs', async () => containers('oneoff').length > 0 && containers('oneoff'))
  disk.fill()
  execFileSync('docker', ['kill', oneOff])
  const all = (): string => execFileSync('docker', ['ps', '--all', '--quiet'], { encoding: 'utf8' })
  await until('it is removed', async () => !all().includes(oneOff))
  expect(roles.map((role) => rolePid(server.pid, role))).toEqual(pids)
})

it.skipIf(!canMount)('a dyno that dies while the disk is full is replaced and served', async () => {
  for (const _ of ['once', 'again']) await losesItsDyno()
  expect(roles.map((role) => rolePid(server.pid, role))).toEqual(pids)
})

it.skipIf(!canMount)('roles that die while the disk is full are started again, and the app serves on', async () => {
  for (const role of ['redis', 'worker', 'router', 'api']) {
    const dead = rolePid(server.pid, role)
    process.kill(dead, 'SIGKILL')
    await until(`the ${role} is started again`, async () => rolePidOr(role, dead) !== dead)
    await until('the app is served', async () => (await get()) === 200)
    await until('the api answers', async () => (await api(server, 'GET', '/apps', { mayFail: true })).status === 200)
    // Its first opener needs blocks that a full disk has for nobody: worker and api must not be away at once.
    await until('worker and api have the record', async () => ['worker', 'api'].every(hasRecordOpen))
  }
  pids = roles.map((role) => rolePid(server.pid, role))
  execFileSync('docker', ['kill', ...containers('dyno')])
  await until('the app is served', async () => (await get()) === 200)
})

it.skipIf(!canMount)('with room again everything goes on without a restart', async () => {
  disk.empty()
  await takesAPush('with room again')
  expect(roles.map((role) => rolePid(server.pid, role))).toEqual(pids)
})

it.skipIf(!canMount)(
  'a server that is ended and started on a full disk serves, and takes a push once there is room',
  async () => {
    disk.fill()
    await server.terminate()
    await server.start()
    await until('the app is served', async () => (await get()) === 200)
    disk.empty()
    await takesAPush('after a start on a full disk')
  },
)

it.skipIf(!canMount)(
  'a disk that becomes read-only refuses in words, and a dyno that dies on it is replaced',
  async () => {
    pids = roles.map((role) => rolePid(server.pid, role))
    disk.remount('abort')
    await refusesAPush(/the disk of the server is full or read-only/)
    const change = await api(server, 'PATCH', `/apps/${app.name}/config-vars`, { body: { A: 'b' }, mayFail: true })
    expect(change).toMatchObject({ status: 500, body: { id: 'data_directory_unusable' } })
    await losesItsDyno()
    expect(roles.map((role) => rolePid(server.pid, role))).toEqual(pids)
  },
)

it.skipIf(!canMount)(
  'a server is not started on a read-only disk, and says so, until it is mounted again',
  async () => {
    await server.interrupt()
    await expect(server.start()).rejects.toThrow(/disk [^\n]+ is mounted read-only[^\n]+\(data_directory_unusable\)\n$/)
    await disk.mountAgain()
    await server.start()
    await takesAPush('after a read-only disk')
  },
)

it.skipIf(!canMount)(
  'a push whose build ends on a full disk says what it waits for, and the next one waits with it',
  async () => {
    const writeBuild = (build: string) => {
      const scripts = { start: 'node server.js', build }
      return app.repository.write('package.json', JSON.stringify({ name: 'slow', version: '1.0.0', scripts }))
    }
    await writeBuild(`echo BUILD BEGINS; ${untilLetGo}`)
    const older = app.push(`${await app.repository.commit('older')}:main`)
    await until('it builds', () => outputSays('BUILD BEGINS'))
    await writeBuild('true')
    const newer = app.push(`${await app.repository.commit('newer')}:main`)
    await until('both are accepted', async () => (await statesOfBuilds()).filter(isPending).length === 2)
    emptyWriteAheadLog()
    disk.fill()
    await letGo(app)
    await until('the older one says so', () => outputSays(`${complaint}\n`), 60_000)
    expect((await statesOfBuilds()).filter(isPending)).toHaveLength(2)
    disk.empty()
    const [first, second] = await Promise.all([older, newer])
    expect(first.output).toMatch(/remote: {2}!     The verdict cannot be written: .*trying again[^]*disk full/)
    expect([first.code, second.code]).toEqual([1, 0])
  },
)

async function losesItsDyno(): Promise<void> {
  const [dyno = ''] = containers('dyno')
  execFileSync('docker', ['rm', '--force', dyno])
  await until('another dyno runs', async () => containers('dyno').some((id) => id !== dyno))
  await until('it is served', async () => (await get()) === 200)
}

const complaint = 'The verdict cannot be written: no space left on the disk of the data directory; trying again'

async function outputSays(text: string): Promise<boolean> {
  const directory = join(server.dataDirectory, 'builds')
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  const outputs = await Promise.all(logs.map((name) => readFile(join(directory, name), 'utf8')))
  return outputs.some((output) => output.includes(text))
}

/** Which is written over from its beginning now and then: what it has of the disk is room for a verdict. */
function emptyWriteAheadLog(): void {
  const database = new DatabaseSync(join(server.dataDirectory, 'paas.db'), { timeout: 5000 })
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

async function statesOfBuilds(): Promise<string[]> {
  const { body } = await app.api<{ status: string }[]>('GET', '/builds')
  return body.map(({ status }) => status)
}

function isPending(status: string): boolean {
  return status === 'pending'
}

async function refusesAPush(reason: RegExp): Promise<void> {
  await app.repository.commit('refused')
  const { code, output } = await app.push()
  expect(code).not.toBe(0)
  expect(output).toMatch(reason)
}

async function takesAPush(text: string): Promise<void> {
  const listen = `require('node:http').createServer((q, a) => a.end('${text}')).listen(process.env.PORT)`
  await app.repository.write('server.js', `${listen}\n`)
  await app.repository.commit(text)
  const { code, output } = await app.push()
  expect(code, output).toBe(0)
  expect((await app.get()).body).toBe(text)
}

/** 0 while nothing listens. */
async function get(): Promise<number> {
  return app.get().then(
    ({ status }) => status,
    () => 0,
  )
}

function rolePidOr(role: string, none: number): number {
  try {
    return rolePid(server.pid, role)
  } catch {
    return none
  }
}

function hasRecordOpen(role: string): boolean {
  try {
    return openFiles(rolePidOr(role, 0)).some((path) => path.endsWith('/paas.db-wal'))
  } catch {
    return false // it ended
  }
}

/** The app's that run, of this kind. */
function containers(kind: 'dyno' | 'oneoff'): string[] {
  const filter = ['--filter', `label=paas.app-name=${app.name}`, '--filter', `label=paas.kind=${kind}`]
  return execFileSync('docker', ['ps', '--quiet', ...filter], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}
