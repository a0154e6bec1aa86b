import { appendFile, mkdir, mkdtemp, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../../src/config.ts'
import type { RoutingTable } from '../../../src/model/route.ts'
import {
  connectRouterControl,
  connectRouterMeasurements,
  retireRouter,
  routerStatus,
} from '../../../src/router/control/client.ts'
import { runRouter, type RunningRouter } from '../../../src/router/run.ts'
import { loadTable, TableFile } from '../../../src/router/table/table-file.ts'
import { openDataDirectory } from '../../../src/data-directory.ts'
import { startApp } from '../helpers/apps.ts'
import { talk } from '../helpers/raw-client.ts'
import { route } from '../helpers/router.ts'
import { freePort } from '../../helpers/free-port.ts'

let directory: string
let config: Config

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paas-router-'))
  config = loadConfig({
    PAAS_DATA: directory,
    PAAS_HTTP_PORT: String(await freePort()),
    PAAS_HTTPS_PORT: 'off',
    PAAS_DRAIN_TIMEOUT: '1',
  })
  openDataDirectory(config)
})

afterEach(() => rm(directory, { recursive: true }))

const start = (): Promise<RunningRouter> =>
  runRouter({
    config,
    version: '1.2.3',
    log: pino({ enabled: false }),
    appLog: { write: () => undefined, remove: async () => undefined, [Symbol.asyncDispose]: async () => undefined },
  })
const get = () => talk(config.httpPort, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
const saved = async (): Promise<RoutingTable> => (await loadTable(config.paths)) ?? empty()
const empty = (): RoutingTable => ({ controlHost: 'localhost', controlSocket: config.paths.apiSocket, routes: [] })

describe('the control socket', () => {
  it('changes routes, which are in force and saved when the call is answered', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using _router = await start()
    const control = connectRouterControl(config.paths.routerSocket)
    await control.install(empty())
    expect(await get()).toMatch(/^HTTP\/1\.1 404 /)
    expect(await control.switchTo(route([app]))).toEqual([])
    expect(await get()).toMatch(/served/)
    expect((await saved()).routes).toEqual([route([app])])
    expect(await control.switchTo(route([], { state: 'down' }))).toEqual(route([app]).targets)
    expect(await get()).toMatch(/H14/)
    expect(await control.drain([`t${app.port}`, 'unknown'], 1_000)).toEqual({ unfinished: 0 })
    await control.remove(route([]).appId)
    expect(await get()).toMatch(/^HTTP\/1\.1 404 /)
    expect((await saved()).routes).toEqual([])
  })

  it('keeps the order of changes that are asked for at once', async () => {
    await using _router = await start()
    const control = connectRouterControl(config.paths.routerSocket)
    const ports = Array.from({ length: 20 }, (_, i) => 1_000 + i)
    const apps = ports.map((port) => route([{ port }], { appId: `app-${port}` as never, hosts: [`a${port}.test`] }))
    await Promise.all(apps.map((app) => control.switchTo(app)))
    expect((await saved()).routes.map(({ appId }) => appId).toSorted()).toEqual(apps.map(({ appId }) => appId))
  })

  it('is closed to others, and tells what runs', async () => {
    await using _router = await start()
    expect((await stat(config.paths.routerSocket)).mode & 0o777).toBe(0o660)
    expect(await routerStatus(config.paths.routerSocket)).toMatchObject({
      pid: process.pid,
      version: '1.2.3',
      settings: { httpPort: config.httpPort },
      counters: { refusedRequests: 0 },
    })
  })

  it('tells the api what was counted, at another one, and does nothing it is told there', async () => {
    await using _router = await start()
    const { routerFiguresSocket } = config.paths
    expect(await connectRouterMeasurements(routerFiguresSocket).totals()).toBeDefined()
    await expect(retireRouter(routerFiguresSocket)).rejects.toMatchObject({ code: 'bad_request' })
    expect(await routerStatus(config.paths.routerSocket)).toBeDefined()
  })

  it.each([
    ['no JSON', 'hello\n'],
    ['an unknown call', '{"call":"explode"}\n'],
    ['a route without hosts', '{"call":"switchTo","route":{"appId":"a","app":"a","state":"up","targets":[]}}\n'],
    [
      'a target without port',
      '{"call":"switchTo","route":{"appId":"a","app":"a","hosts":[],"state":"up","targets":[{"id":"a","dyno":"web.1","release":1,"host":"a"}]}}\n',
    ],
  ])('refuses %s', async (_, line) => {
    await using _router = await start()
    const socket = connect(config.paths.routerSocket)
    socket.write(line)
    expect(JSON.parse(await text(socket))).toMatchObject({ error: { code: 'bad_request' } })
  })

  it('puts a change in force that cannot be saved, and saves it once it can', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using _router = await start()
    const control = connectRouterControl(config.paths.routerSocket)
    await control.switchTo(route([], { state: 'down' }))
    const inTheWay = ['new', 'changes'].map((end) => `${config.paths.routingTable}.${end}`)
    await Promise.all(inTheWay.map((path) => mkdir(path)))
    await control.switchTo(route([app]))
    expect(await get()).toMatch(/served/)
    const whole = JSON.parse(await readFile(config.paths.routingTable, 'utf8')) as RoutingTable
    expect(whole.routes).toEqual([route([], { state: 'down' })])
    await Promise.all(inTheWay.map((path) => rmdir(path)))
    await expect.poll(async () => (await saved()).routes).toEqual([route([app])])
  })

  it('that is not there for long is reported as router_unavailable', { timeout: 20_000 }, async () => {
    await expect(connectRouterControl(config.paths.routerSocket).remove('a' as never)).rejects.toMatchObject({
      code: 'router_unavailable',
    })
  })
})

describe('the saved table', () => {
  const apps = Array.from({ length: 1_000 }, (_, i) =>
    route([{ port: 1_000 + i }], { appId: `app-${i}` as never, hosts: [`a${i}.test`] }),
  )

  it('of a thousand apps is written whole once, then what changes', async () => {
    await using _router = await start()
    const control = connectRouterControl(config.paths.routerSocket)
    await control.install({ ...empty(), routes: apps })
    const whole = await stat(config.paths.routingTable)
    for (const port of [1, 2, 3]) await control.switchTo({ ...apps[7]!, targets: route([{ port }]).targets })
    await control.remove(apps[0]!.appId)
    const now = [...apps.slice(1, 7), { ...apps[7]!, targets: route([{ port: 3 }]).targets }, ...apps.slice(8)]
    await control.install({ ...empty(), routes: now })
    expect(await stat(config.paths.routingTable)).toEqual(whole)
    const changes = await readFile(`${config.paths.routingTable}.changes`, 'utf8')
    expect(changes.length).toBeLessThan(whole.size / 100)
    expect((await saved()).routes).toEqual(now)
  })

  it('is written whole again when its changes have become longer, and then without them', async () => {
    const file = new TableFile(config.paths)
    const table = { ...empty(), routes: apps }
    await file.save(table)
    const first = await stat(config.paths.routingTable)
    const change = { appId: apps[0]!.appId, route: apps[0]! }
    const line = JSON.stringify(change).length + 1
    for (let bytes = 0; bytes <= first.size; bytes += line) await file.saveChange(change, table)
    expect((await stat(config.paths.routingTable)).ino).not.toBe(first.ino)
    await writeFile(`${config.paths.routingTable}.changes`, `{"edition":"another"}\n{"appId":"app-0"}\n`)
    expect(await saved()).toEqual(table)
  })

  it('has all changes but one that was written by half', async () => {
    const file = new TableFile(config.paths)
    await file.save({ ...empty(), routes: apps.slice(0, 1) })
    await file.saveChange({ appId: apps[1]!.appId, route: apps[1]! }, { ...empty(), routes: apps.slice(0, 2) })
    await appendFile(`${config.paths.routingTable}.changes`, '{"appId":"app-0"')
    expect((await saved()).routes).toEqual(apps.slice(0, 2))
  })

  it('is served from at the start, before anybody called', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await new TableFile(config.paths).save({ ...empty(), routes: [route([app])] })
    await using _router = await start()
    expect(await get()).toMatch(/served/)
  })

  it('holds private keys sealed, with a key of the router alone', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n'
    const certificates = [{ hosts: ['app.test'], certificate: 'PEM', key }]
    const table = { ...empty(), routes: [route([], { certificates })] }
    await new TableFile(config.paths).save(table)
    expect(await readFile(config.paths.routingTable, 'utf8')).not.toMatch(/PRIVATE|secret/)
    expect((await stat(config.paths.routingTableKey)).mode & 0o777).toBe(0o600)
    expect(await loadTable(config.paths)).toEqual(table)
    await rm(config.paths.routingTableKey)
    expect(await loadTable(config.paths)).toEqual({ ...empty(), routes: [route([], { certificates: [] })] })
    await writeFile(config.paths.routingTable, JSON.stringify(table))
    expect(await loadTable(config.paths)).toEqual(table)
  })

  it.each([
    ['half a file', '{"controlHost":"local'],
    ['another file', '{"a":1}'],
    ['nothing', ''],
  ])('when damaged (%s) is reported, and the router serves without it', async (_, content) => {
    await writeFile(config.paths.routingTable, content)
    await expect(loadTable(config.paths)).rejects.toMatchObject({ code: 'routing_table_invalid' })
    await using _router = await start()
    expect(await get()).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('a second router', () => {
  it('of the same data directory takes over the port and the table', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using first = await start()
    await connectRouterControl(config.paths.routerSocket).switchTo(route([app]))
    await using _second = await start()
    expect(await first.ended).toBe('another router took over')
    for (let i = 0; i < 20; i++) expect(await get()).toMatch(/served/)
    expect(await connectRouterControl(config.paths.routerSocket).switchTo(route([], { state: 'down' }))).toHaveLength(1)
    for (let i = 0; i < 20; i++) expect(await get()).toMatch(/H14/)
  })

  it('of another data directory is refused: port_in_use', async () => {
    await using _first = await start()
    config = { ...config, paths: { ...config.paths, routerSocket: join(directory, 'other.sock') } }
    await expect(start()).rejects.toMatchObject({ code: 'port_in_use' })
  })
})
