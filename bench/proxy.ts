import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  startBackend,
  startCaddy,
  startHaproxy,
  startKamalProxy,
  startNginx,
  startNodeBackend,
  startRouter,
  startTraefik,
  type TlsListening,
} from './proxy/contenders.ts'
import { costsOf, type Cost, type Measured } from './proxy/costs.ts'
import * as loads from './proxy/measure.ts'
import { benchGigabyte, gigabytes } from './proxy/gigabyte.ts'
import { isInstalled, type Listening } from './proxy/process.ts'
import { benchChanges } from './proxy/processes.ts'
import { buildTraefik } from './proxy/traefik.ts'
import { printTable, writeJson, type Row } from './table.ts'

/** Of `npm run bench -- proxy`, or `node bench/proxy.ts PART …`. */
const every = ['small', 'tls', 'connections', 'uploads', 'websockets', 'bodies', 'gigabyte', 'changes']

/**
 * Processor time for each request of our router (with its log line per request), Caddy, nginx, HAProxy and Traefik
 * (without access log), and kamal-proxy (with one) where it is installed. Each proxy alone has the first core, load generator and
 * backend share the second; the rounds alternate. What counts is processor time, so that whatever else the machine does
 * weighs on none of them.
 */
export async function benchProxy(parts = every): Promise<Row[]> {
  await loads.ensureInstalled({ wrk: 'wrk', nginx: 'nginx-light', caddy: 'caddy', haproxy: 'haproxy' })
  const isWanted = (...some: string[]): boolean => some.some((part) => parts.includes(part))
  return [
    ...(isWanted('small', 'tls', 'connections') ? await benchSmall(parts) : []),
    ...(isWanted('uploads', 'websockets', 'bodies') ? await benchStreams(parts) : []),
    ...(isWanted('gigabyte') ? await benchMemory() : []),
    ...(isWanted('changes') ? await benchRoutes() : []),
  ]
}

async function benchSmall(parts: string[]): Promise<Row[]> {
  await using stage = await startStage(startBackend)
  const { all, secure } = stage
  const rows: Row[] = []
  if (parts.includes('small')) rows.push(...smallRows(await costsOf(all, loads.smallAnswers)))
  if (parts.includes('tls')) {
    const overTls = secure.map(({ name, pid, httpsPort }) => ({ name, pid, port: httpsPort }))
    rows.push(...costRows('a request over TLS', await costsOf(overTls, loads.smallAnswersOverTls), 1.3))
  }
  if (parts.includes('connections'))
    rows.push(...costRows('a new connection for each request', await costsOf(all, loads.newConnections), 1.5))
  return rows
}

async function benchStreams(parts: string[]): Promise<Row[]> {
  await using stage = await startStage(startNodeBackend)
  const rows: Row[] = []
  if (parts.includes('uploads')) rows.push(...costRows('1 MiB upload', await costsOf(stage.all, loads.uploads), 1.2))
  if (parts.includes('websockets'))
    rows.push(...costRows('WebSocket echo', await costsOf(stage.all, loads.webSockets), 1.2))
  if (parts.includes('bodies')) {
    const { router, nginx } = stage
    for (const [what, pass] of Object.entries(gigabytes)) {
      rows.push(...costRows(`a GiB, ${what}`, await costsOf([router, nginx], pass, 3), 1 / 0.9))
    }
  }
  return rows
}

async function benchMemory(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-proxy-'))
  await using started = new AsyncDisposableStack()
  started.defer(() => rm(directory, { recursive: true }))
  const backend = started.use(await startNodeBackend())
  return await benchGigabyte(started.use(await startRouter(directory, backend.port)))
}

/** Each of two backends has another answer. */
async function benchRoutes(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-proxy-'))
  await using started = new AsyncDisposableStack()
  started.defer(() => rm(directory, { recursive: true }))
  const one = started.use(await startNodeBackend())
  return await benchChanges(directory, [one, started.use(await startBackend(directory))])
}

type Stage = AsyncDisposable & {
  router: Measured
  nginx: Measured
  all: Measured[]
  /** Those that speak TLS, too. */
  secure: TlsListening[]
}

/** All proxies in front of one backend. */
async function startStage(startBehind: (directory: string) => Promise<Listening>): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-proxy-'))
  await using started = new AsyncDisposableStack()
  started.defer(() => rm(directory, { recursive: true }))
  const backend = started.use(await startBehind(directory))
  const router = started.use(await startRouter(directory, backend.port))
  const caddy = started.use(await startCaddy(directory, backend.port, router.certificate))
  const nginx = started.use(await startNginx(directory, backend.port, router.certificate))
  const secure = [router, nginx, caddy, started.use(await startHaproxy(directory, backend.port, router.certificate))]
  const traefik = await buildTraefik()
  if (traefik !== undefined) {
    secure.push(
      started.use(await startTraefik(traefik, { directory, backend: backend.port, certificate: router.certificate })),
    )
  }
  const all: Measured[] = [...secure]
  if (isInstalled('kamal-proxy')) all.push(started.use(await startKamalProxy(directory, backend.port)))
  else process.stderr.write('kamal-proxy is not installed: measured without it\n')
  const stack = started.move()
  return { router, nginx, all, secure, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function smallRows(costs: Cost[]): Row[] {
  const [ours, nginx, caddy] = costs as [Cost, Cost, Cost]
  const ratio = caddy.seconds / ours.seconds
  const times = ours.seconds / nginx.seconds
  return [
    ...costs.map(({ name, seconds, reached }) => ({
      what: `proxy, requests per core: ${name}`,
      value: 1 / seconds,
      unit: '/s',
      note: `of processor time; ${Math.round(reached)}/s of real time in the same rounds`,
    })),
    { what: 'proxy, our router against Caddy', value: ratio, unit: '×', target: '≥ 2 ×', met: ratio >= 2 },
    { what: 'proxy, cost against nginx', value: times, unit: '×', target: '≤ 1.3 ×', met: times <= 1.3 },
  ]
}

/** @param most times nginx's cost that ours may be */
function costRows(what: string, costs: Cost[], most: number): Row[] {
  const [ours, nginx] = costs as [Cost, Cost]
  const ratio = ours.seconds / nginx.seconds
  return [
    ...costs.map(({ name, seconds }) => ({ what: `proxy, ${what}: ${name}`, value: seconds * 1e6, unit: 'µs' })),
    {
      what: `proxy, ${what}: our router against nginx`,
      value: ratio,
      unit: '×',
      target: `≤ ${most} ×`,
      met: ratio <= most,
    },
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const parts = process.argv.slice(2)
  const measured = await benchProxy(parts.length > 0 ? parts : undefined)
  printTable(measured)
  writeJson('proxy', measured)
}
