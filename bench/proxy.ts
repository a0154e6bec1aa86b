import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cpuSeconds, ensureInstalled, generateLoad, type Scheme } from './proxy/measure.ts'
import { startBackend, startCaddy, startNginx, startRouter, type Contender } from './proxy/contenders.ts'
import { median } from './statistics.ts'
import { printTable, writeJson, type Row } from './table.ts'

const rounds = 7
const roundSeconds = 3

/**
 * Requests per second that one core carries, plain and over TLS, of our router (with its log line per request), Caddy and nginx (both
 * without access log): small answers over kept connections. Each proxy alone has the first core, load generator and
 * backend share the second; the rounds alternate. What counts is requests per second of processor time, so that
 * whatever else the machine does weighs on none of them.
 */
export async function benchProxy(): Promise<Row[]> {
  await ensureInstalled({ wrk: 'wrk', nginx: 'nginx-light', caddy: 'caddy' })
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-proxy-'))
  try {
    await using backend = await startBackend(directory)
    await using router = await startRouter(directory, backend.port)
    await using caddy = await startCaddy(directory, backend.port, router.certificate)
    await using nginx = await startNginx(directory, backend.port)
    const plain = await measureAll([router, caddy, nginx], 'http')
    const overTls = [router, caddy].map(({ name, pid, httpsPort }) => ({ name, pid, port: httpsPort }))
    return [...rows(plain), ...tlsRows(await measureAll(overTls, 'https'))]
  } finally {
    await rm(directory, { recursive: true })
  }
}

type Figures = { name: string; perCore: number[]; reached: number[] }

type Measured = Pick<Contender, 'name' | 'pid' | 'port'>

async function measureAll(contenders: Measured[], scheme: Scheme): Promise<Figures[]> {
  const figures = contenders.map(({ name }): Figures => ({ name, perCore: [], reached: [] }))
  for (const contender of contenders) await generateLoad(contender.port, 2, scheme)
  for (let round = 0; round < rounds; round++) {
    for (const [i, { pid, port }] of contenders.entries()) {
      const before = await cpuSeconds(pid)
      const requests = await generateLoad(port, roundSeconds, scheme)
      figures[i]!.perCore.push(requests / ((await cpuSeconds(pid)) - before))
      figures[i]!.reached.push(requests / roundSeconds)
    }
  }
  return figures
}

function rows([ours, caddy, nginx]: Figures[]): Row[] {
  const ratio = median(ours!.perCore) / median(caddy!.perCore)
  return [
    ...[ours!, caddy!, nginx!].map(({ name, perCore, reached }) => ({
      what: `proxy, requests per core: ${name}`,
      value: median(perCore),
      unit: '/s',
      note: `of processor time; ${Math.round(median(reached))}/s of real time in the same rounds`,
    })),
    { what: 'proxy, our router against Caddy', value: ratio, unit: '×', target: '≥ 2 ×', met: ratio >= 2 },
    { what: 'proxy, our router against nginx', value: median(ours!.perCore) / median(nginx!.perCore), unit: '×' },
  ]
}

function tlsRows([ours, caddy]: Figures[]): Row[] {
  return [
    ...[ours!, caddy!].map(({ name, perCore }) => ({
      what: `proxy over TLS, requests per core: ${name}`,
      value: median(perCore),
      unit: '/s',
    })),
    {
      what: 'proxy over TLS, our router against Caddy',
      value: median(ours!.perCore) / median(caddy!.perCore),
      unit: '×',
    },
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const measured = await benchProxy()
  printTable(measured)
  writeJson('proxy', measured)
}
