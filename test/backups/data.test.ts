import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFromEngine } from '../helpers/engine.ts'
import { Database } from '../databases/database.ts'
import { api, TestApp, until } from '../helpers/app.ts'
import { request } from '../helpers/http.ts'
import { startServer, type TestServer } from '../helpers/server.ts'
import { RunningAddon } from '../services/running.ts'
import { backup, loseMachine, openTarget } from './backups.ts'

/** What apps have written comes back with the server: on volumes, in a database, in a cache. */

let target: Awaited<ReturnType<typeof openTarget>>
let server: TestServer
let app: TestApp
let shop: TestApp
let database: Database
let mariadb: Database
let cache: RunningAddon

/** Each POST adds a line to a file on the volume. */
const source = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const file = '/app/data/lines'
require('node:http').createServer((request, answer) => {
  if (request.method === 'POST') appendFileSync(file, request.url + '\\n')
  answer.end(existsSync(file) ? readFileSync(file) : 'none')
}).listen(process.env.PORT)
`

/** Counts rows, of which each POST adds one, beside what the cache has under a key. */
const shopSource = `
const { connect } = require('node:net')
const { Pool } = require('pg')
const pool = new Pool({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 3000 })
pool.on('error', () => undefined)
const cached = () => new Promise((found, lost) => {
  const { hostname, port, password } = new URL(process.env.REDIS_URL)
  const socket = connect(port, hostname).on('error', lost)
  socket.write('AUTH ' + password + '\\r\\nGET greeting\\r\\nQUIT\\r\\n')
  let said = ''
  socket.on('data', (data) => (said += data)).on('end', () => found(said.split('\\r\\n')[2]))
})
require('node:http').createServer(async ({ method }, answer) => {
  try {
    await pool.query('CREATE TABLE IF NOT EXISTS visits (id serial PRIMARY KEY)')
    if (method === 'POST') await pool.query('INSERT INTO visits DEFAULT VALUES')
    const { rows } = await pool.query('SELECT count(*)::int AS n FROM visits')
    answer.end(rows[0].n + ' ' + (await cached()))
  } catch (error) {
    answer.writeHead(500).end(error.message)
  }
}).listen(process.env.PORT)
`

async function openShop(): Promise<TestApp> {
  const made = await TestApp.create(server, 'node-probe')
  const dependencies = { pg: '^8.13.0' }
  const manifest = { name: 'shop', version: '1.0.0', scripts: { start: 'node server.js' }, dependencies }
  await made.repository.write('package.json', JSON.stringify(manifest))
  await made.repository.write('server.js', shopSource)
  await made.repository.commit('Count visits')
  database = await Database.create(server, made.name)
  mariadb = await Database.create(server, made.name, 'mysql')
  await mariadb.sql('CREATE TABLE orders (id INT PRIMARY KEY)')
  cache = await RunningAddon.create(server, 'heroku-redis:premium-0', made.name)
  expect((await cache.program('client SET greeting hello')).stdout).toBe('OK\n')
  await api(server, 'PATCH', `/redis/v0/databases/${cache.name}/config`, { body: { timeout: 77 } })
  return made
}

beforeAll(async () => {
  target = await openTarget()
  server = await startServer({ env: target.env })
  app = await TestApp.create(server, 'node-hello')
  await app.repository.write('server.js', source)
  await app.repository.commit('keeps lines')
  await app.api('POST', '/volumes', { name: 'data', mount: '/app/data' })
  shop = await openShop()
  for (const one of [app, shop]) {
    const push = await one.push()
    if (push.code !== 0) throw new Error(push.output)
  }
  for (const one of [database, mariadb])
    await one.untilBackups(({ last_good: good }) => good !== null, 'the database has a backup')
}, 600_000)
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await shop?.[Symbol.asyncDispose]()
  await server?.stop()
  await target[Symbol.asyncDispose]()
})

const write = (path: string, host = app.host) => request({ port: server.port, host, method: 'POST', path })

/** Of each archive of the database at the target. */
async function archivesAtTarget(): Promise<Record<string, string[]>> {
  const directory = join(target.env['PAAS_BACKUP_TARGET']!, 'archives', (await server.serverId())!, database.id)
  const names = existsSync(directory) ? await readdir(directory) : []
  const files = names.map(async (name) => [name, await readdir(join(directory, name), { recursive: true })])
  return Object.fromEntries((await Promise.all(files)) as [string, string[]][])
}

it('a server that is lost with its engine comes back with what apps had on volumes and in add-ons', async () => {
  await write('/one')
  await write('/two')
  await write('/', shop.host)
  expect((await write('/', shop.host)).body).toBe('2 hello')
  await mariadb.sql('INSERT INTO orders VALUES (1)')
  const vars = await cache.config()
  await cache.program('client SETEX soon 10 gone') // as the restore is made
  const made = await backup(server.env)
  expect(made.output).toMatch(/holds 2 apps, 1 volume, 3 add-ons, .*; all of it was read back/)
  expect(made.output).not.toMatch(/lacks/)
  expect((await app.get()).body).toBe('/one\n/two\n')
  await write('/after')
  await write('/', shop.host)
  await mariadb.sql('INSERT INTO orders VALUES (2)')
  const written = Date.now() + 1_000 // MariaDB's log tells whole seconds
  for (const one of [database, mariadb]) {
    await one.untilBackups(
      ({ recovery_point_seconds: lost }) => lost !== null && Date.now() - lost * 1000 > written,
      'the target has what came after the backup',
    )
  }
  await server.interrupt()
  const [[oldArchive, oldFiles] = ['', []]] = Object.entries(await archivesAtTarget())

  await loseMachine(server, removeFromEngine)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(/has 2 apps, 1 volume, 3 add-ons as of .*, \d+ minutes? ago$/m)
  expect(restored.output).toMatch(new RegExp(`${database.name} \\(heroku-postgresql 17\\) has .* as of .* ago$`, 'm'))
  expect(restored.output).toMatch(new RegExp(`${cache.name} \\(heroku-redis 8\\) has .* as of .* ago$`, 'm'))
  expect(restored.output).not.toMatch(/look at|lacks/)
  expect(restored.code).toBe(0)
  await server.start()
  await until('the apps serve again', async () => (await app.get()).status === 200 && (await shop.get()).status === 200)
  expect((await app.get()).body).toBe('/one\n/two\n')
  expect((await shop.get()).body).toBe('2 hello')
  expect((await write('/', shop.host)).body).toBe('3 hello')
  expect(await cache.config()).toEqual(vars)
  expect((await cache.program('client EXISTS soon')).stdout).toBe('0\n')
  expect((await cache.program('client CONFIG GET timeout')).stdout).toBe('timeout\n77\n')

  await database.untilBackups(({ last_good: good }) => good !== null, 'the database is backed up into a new archive')
  const archives = await until('it is at the target too', async () => {
    const found = await archivesAtTarget()
    return Object.keys(found).length === 2 && found
  })
  expect(archives[oldArchive]?.toSorted()).toEqual(oldFiles.toSorted())
  const [, at] = /paas pg:restore \S+ -a \S+ --at "([^"]+)"/.exec(restored.output) ?? []
  const later = await database.restore({ at })
  expect(await later.sql('SELECT count(*) FROM visits')).toBe('3')

  // MariaDB from the binary log at the target, likewise.
  expect(await mariadb.sql('SELECT COUNT(*) FROM orders')).toBe('1')
  const [, moment] = /paas mysql:restore \S+ -a \S+ --at "([^"]+)"/.exec(restored.output) ?? []
  expect(moment).toBeDefined()
  expect(await (await mariadb.restore({ at: moment })).sql('SELECT MAX(id) FROM orders')).toBe('2')
}, 500_000)

it('a volume that the engine still has is newer than the backup, and stays as it is, as an add-on does', async () => {
  await write('/three')
  await loseMachine(server, async () => undefined)
  const restored = await backup(server.env, '--restore')
  expect(restored.output).toMatch(/this engine still had data: left as it is/)
  expect(restored.output).toMatch(new RegExp(`${database.name} .* is still in this engine: left as it is`))
  await server.start()
  await until('the app serves again', async () => (await app.get()).body.endsWith('/three\n'))
  await until('the other one too', async () => (await shop.get()).body === '3 hello')
}, 240_000)
