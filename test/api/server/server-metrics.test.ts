import type { AddonId, AppId } from '../../../src/model/ids.ts'
import type { WorkerFigures } from '../../../src/model/figures.ts'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { familiesOf } from '../../../src/api/server/metric-families.ts'
import { createLog } from '../../../src/log.ts'
import { openAppLogWriter } from '../../../src/logs/writer.ts'
import { Histogram } from '../../../src/metrics/histogram.ts'
import { RoleMeter } from '../../../src/metrics/role-meter.ts'
import { serveFigures } from '../../../src/metrics/role-socket.ts'
import { durationBounds } from '../../../src/metrics/totals.ts'
import { connectRouterControl } from '../../../src/router/control/client.ts'
import { runRouter } from '../../../src/router/run.ts'
import { readServices } from '../../../src/services/definition.ts'
import { BuildMeter } from '../../../src/worker/measure-builds.ts'
import { startApp } from '../../router/helpers/apps.ts'
import { freePort } from '../../helpers/free-port.ts'
import { route } from '../../router/helpers/router.ts'
import { expectAllSeen } from '../answers.ts'
import { TestApi } from '../test-api.ts'

const log = createLog('test', 'silent')

const api = await TestApi.forFile()

async function scrape(): Promise<string> {
  const { status, text } = await api.call('GET', '/metrics')
  expect(status).toBe(200)
  return text
}

/** A real router that leads to `app`, after requests for it. */
async function askedRouter(life: AsyncDisposableStack, app: string, paths: string[]): Promise<void> {
  const port = await freePort()
  const appLog = openAppLogWriter({ directory: api.config.paths.logs, log })
  life.use(await runRouter({ config: { ...api.config, httpPort: port }, version: '0', log, appLog }))
  const backend = life.use(
    await startApp((request, response) => response.writeHead(Number(request.url?.slice(1))).end()),
  )
  const { id } = api.store.apps.find(app)!
  const control = connectRouterControl(api.config.paths.routerSocket)
  await control.switchTo(route([backend], { appId: id, app, hosts: [`${app}.localhost`] }))
  for (const path of paths) await get(port, `${app}.localhost`, path)
  await control.switchTo(route([backend], { appId: 'unknown' as typeof id, app: 'ghost', hosts: ['ghost.localhost'] }))
  await get(port, 'ghost.localhost', '/200')
}

async function get(port: number, host: string, path: string): Promise<void> {
  const outgoing = httpRequest({ host: '127.0.0.1', port, path, agent: false, headers: { host } }).end()
  const [incoming] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream]
  await once(incoming.resume(), 'end')
}

describe('GET /metrics', () => {
  it('gathers what router, worker, queue and record know', async () => {
    await using life = new AsyncDisposableStack()
    await api.createApp('shop')
    const shop = api.store.apps.find('shop')!
    api.deploy(shop)
    const { body: cache } = await api.call('POST', '/apps/shop/addons', { body: { plan: 'memcached', name: 'cache' } })
    api.store.addons.setState(cache['id'] as unknown as AddonId, { kind: 'provisioned', work: null })
    await askedRouter(life, 'shop', ['/200', '/200', '/404'])
    const builds = new BuildMeter()
    builds.record('succeeded', { source: 50, compile: 4_000 })
    const states = { states: { running: 2 }, figures: { count: 2, memory: 4711, largest: 4000, cpu: 0.5 } }
    const meter = life.use(new RoleMeter())
    const worker = (): WorkerFigures => ({
      process: meter.figures(),
      apps: { [shop.id]: states },
      addons: {
        [String(cache['id'])]: { since: '2026-01-01T00:00:00.000Z', memoryBytes: 815, diskBytes: 0, connections: 3 },
      },
      ...builds.figures(),
      dropped: 0,
    })
    life.use(await serveFigures(api.config.paths.workerSocket, worker))
    expect(await scrape()).not.toContain('role="gate"')
    life.use(await serveFigures(api.config.paths.gateFiguresSocket, () => meter.figures()))

    const text = await scrape()
    const expected = [
      'paas_app_requests_total{app="shop",status="2xx"} 2',
      'paas_app_requests_total{app="shop",status="4xx"} 1',
      'paas_app_request_duration_seconds_bucket{le="+Inf",app="shop"} 3',
      'paas_app_request_duration_seconds_count{app="shop"} 3',
      'paas_app_dynos{app="shop",state="running"} 2',
      'paas_app_memory_bytes{app="shop"} 4711',
      'paas_app_cpu_cores{app="shop"} 0.5',
      'paas_addon_up{app="shop",addon="cache",service="memcached"} 1',
      'paas_addon_memory_bytes{app="shop",addon="cache",service="memcached"} 815',
      'paas_addon_memory_limit_bytes{app="shop",addon="cache",service="memcached"} 67108864',
      'paas_addon_connections{app="shop",addon="cache",service="memcached"} 3',
      'paas_addon_connections_limit{app="shop",addon="cache",service="memcached"} 100',
      'paas_addon_read_only{app="shop",addon="cache",service="memcached"} 0',
      'paas_router_requests_total 4',
      'paas_builds{state="succeeded"} 1',
      'paas_builds_finished_total{verdict="succeeded"} 1',
      'paas_build_phase_seconds_bucket{le="4.096",phase="compile"} 1',
      'paas_build_phase_seconds_bucket{le="2.048",phase="compile"} 0',
      'paas_build_phase_seconds_sum{phase="compile"} 4',
      'paas_queue_jobs{state="active"} 0',
      ...['api', 'router', 'worker', 'gate', 'redis'].map((role) => `paas_up{role="${role}"} 1`),
    ]
    const told = labelled(text)
    expect(expected.flatMap(labelled).filter((line) => !told.includes(line))).toEqual([])
    expect(text).toMatch(/^paas_memory_bytes\{role="redis"\} [1-9]\d{5,}$/m)
    expect(text).toMatch(/^paas_memory_bytes\{role="gate"\} [1-9]\d{5,}$/m)
    expect(text).toMatch(/^paas_event_loop_lag_seconds_count\{role="worker"\} \d+$/m)
    expect(text).not.toContain('ghost')
  })

  it('tells parts that are away or hang as down, and the rest of itself', async () => {
    const { workerSocket, gateFiguresSocket } = api.config.paths
    const silent = [workerSocket, gateFiguresSocket].map((path) => createServer().listen(path))
    await Promise.all(silent.map((each) => once(each, 'listening')))
    const text = await scrape()
    for (const each of silent) each.close()
    for (const [role, up] of [
      ['api', 1],
      ['router', 0],
      ['worker', 0],
      ['gate', 0],
      ['redis', 1],
    ]) {
      expect(text).toContain(`paas_up{role="${role}"} ${up}`)
    }
    expect(text).toContain('paas_builds{')
  })

  it('answers nobody but an admin', async () => {
    const { token } = api.stranger()
    expect((await api.call('GET', '/metrics', { token })).status).toBe(403)
    expect((await api.call('GET', '/metrics', { token: null })).status).toBe(401)
    expect((await api.call('GET', '/metrics', { token: api.tokenOf(api.admin, ['identity']) })).status).toBe(403)
    expect((await api.call('GET', '/metrics', { token: api.tokenOf(api.admin, ['read']) })).status).toBe(200)
  })
})

/** Lines with their labels in alphabetical order: the order has no meaning. */
function labelled(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').toSorted().join()}}`))
}

describe('docs/metrics.md', () => {
  it('has every metric, its type and its labels', () => {
    const document = readFileSync(resolve(import.meta.dirname, '../../../docs/metrics.md'), 'utf8')
    const rows = [...document.matchAll(/^\| `(paas_\w+)` \| (\w+) \| (.*?) ?\|/gm)].map(([, name, type, labels]) => ({
      name,
      type,
      labels: labels!.replaceAll('`', ''),
    }))
    expect(rows).toEqual(allFamilies())
  })
})

function allFamilies(): { name: string; type: string; labels: string }[] {
  const times = new Histogram()
  times.record(1)
  const durations = { sum: 1, count: 1, below: durationBounds.map(() => 1) }
  const process = { memory: 1, cpuSeconds: 1, lag: durations }
  const doors = { served: 1, refused: 0, failed: 0, unreachable: 0 }
  const refused = { turnedAway: 0, refusedRequests: 0, cutOff: 0, failedHandshakes: 0 }
  const counters = { connections: 1, requests: 1, ...refused, doors, errors: {} }
  const asked = { statuses: [0, 1, 0, 0, 1], codes: { H12: 1 }, bytes: 1, durations }
  const dynos = { states: { running: 1 }, figures: { count: 1, memory: 1, largest: 1, cpu: 1 } }
  const use = { since: '2026-01-01T00:00:00Z', memoryBytes: 1, diskBytes: 1, connections: 1 }
  return familiesOf({
    names: new Map([['id', 'acme']]),
    volumes: [{ appId: 'id' as AppId, name: 'data', bytes: 1 }],
    addons: [{ appId: 'id' as AppId, name: 'main', service: 'heroku-redis', plan: 'premium-0', fill: 'usual', use }],
    services: readServices([resolve(import.meta.dirname, '../../../services')], () => undefined),
    builds: { pending: 1 },
    api: process,
    router: { apps: { id: asked }, counters, connections: 1, dropped: 0, process },
    worker: {
      process,
      apps: { id: dynos },
      addons: {},
      builds: { failed: 1 },
      phases: { boot: times.store() },
      dropped: 0,
    },
    queue: { jobs: { waiting: 1 }, memory: 1 },
    gate: process,
    supervisor: 1,
  }).map(({ name, type, samples }) => ({ name, type, labels: Object.keys(samples.at(-1)!.labels).join(', ') }))
}

it('shows every route of its own', () => expectAllSeen('server/server-metrics.test.ts'))
