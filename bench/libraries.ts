import { TestApp } from '../test/helpers/app.ts'
import { rolePid } from '../test/helpers/processes.ts'
import type { TestServer } from '../test/helpers/server.ts'
import { deployLibrary, type Deployed, type Library } from './libraries/deploy.ts'
import { findDyno } from './libraries/dyno.ts'
import { writePage } from './libraries/page.ts'
import { loadNames, measureInTurns, type Contender, type Load } from './libraries/rounds.ts'
import { ensureInstalled } from './proxy/measure.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const libraries: Library[] = [
  { name: 'node:http', file: 'node-http', packages: [] },
  { name: 'Express', file: 'express', packages: ['express'] },
  { name: 'Koa', file: 'koa', packages: ['koa', '@koa/router', '@koa/bodyparser'] },
  { name: 'Fastify', file: 'fastify', packages: ['fastify'] },
  { name: 'Hono', file: 'hono', packages: ['hono', '@hono/node-server'] },
]
const warmPushes = 3

/** Milliseconds of a push with one changed line, and memory of the dyno: before it had load, and the most with it. */
export type Result = Contender & { warmPush: number; idleMiB: number; loadedMiB: number }

/**
 * The same small app with each library, in its newest version: what pushes take, and what the app costs under load through the router.
 * Writes docs/node-benchmarks.md.
 */
export async function benchLibraries(server: TestServer): Promise<Row[]> {
  await ensureInstalled({ wrk: 'wrk' })
  await using made = new AsyncDisposableStack()
  const begin = new Date()
  // What only a server's first push needs should not count for the first of them.
  await made.use(await TestApp.create(server, 'node-hello')).push()
  const deployed: Deployed[] = []
  for (const library of libraries) deployed.push(made.use(await deployLibrary(server, library)))
  const warm = await pushInTurns(deployed)
  const contenders = await Promise.all(deployed.map((one) => contenderOf(server, one)))
  const idle = await Promise.all(contenders.map(({ dyno }) => dyno.memoryMiB()))
  await measureInTurns(contenders, rolePid(server.pid, 'router'))
  const results = contenders.map((one, n) => ({
    ...one,
    warmPush: median(warm[n] ?? []),
    idleMiB: idle[n] ?? NaN,
    loadedMiB: Math.max(...Object.values(one.loaded).flatMap((all) => all.map(({ memoryMiB }) => memoryMiB))),
  }))
  await writePage(results, begin)
  return results.flatMap(rows)
}

async function contenderOf(server: TestServer, deployed: Deployed): Promise<Contender> {
  const dyno = await findDyno((await server.serverId()) ?? '', deployed.app)
  return { deployed, dyno, loaded: { text: [], json: [], echo: [], alone: [] } }
}

async function pushInTurns(deployed: Deployed[]): Promise<number[][]> {
  const times: number[][] = deployed.map(() => [])
  for (let round = 1; round <= warmPushes; round++)
    for (const [n, one] of deployed.entries()) times[n]?.push(await one.pushLine(`warm ${round}`))
  return times
}

function rows({ deployed: { library, coldPush }, loaded, warmPush, idleMiB, loadedMiB }: Result): Row[] {
  const perCore = (load: Load) => 1e6 / median(loaded[load].map(({ app }) => app))
  return [
    ...loadNames.map((load) => ({ what: `${library.name}, ${load}: per core`, value: perCore(load), unit: '/s' })),
    { what: '  memory, idle', value: idleMiB, unit: 'MiB' },
    { what: '  memory, under load', value: loadedMiB, unit: 'MiB' },
    { what: '  cold push', value: coldPush, unit: 'ms' },
    { what: '  warm push (median)', value: warmPush, unit: 'ms' },
  ]
}
