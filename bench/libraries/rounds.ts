import { resolve } from 'node:path'
import { cpuSeconds, runWrk, type Carried } from '../proxy/measure.ts'
import type { Deployed } from './deploy.ts'
import type { RunningDyno } from './dyno.ts'

/** Rounds of each load, with its seconds; connections where the load does not say. */
export const method = { rounds: 8, seconds: 1, connections: 64 }

const busy = `--connections=${method.connections}`
const script = `--script=${resolve(import.meta.dirname, 'echo.lua')}`

/** What is asked for, by one load after the other. */
export const loads = {
  text: { title: '`GET /`: five bytes of text', path: '/', options: [busy] },
  json: { title: '`GET /json/42`: a parameter of the path, a JSON answer', path: '/json/42', options: [busy] },
  echo: { title: '`POST /echo`: 78 bytes of JSON, parsed and answered', path: '/echo', options: [busy, script] },
  alone: { title: '`GET /json/42` on one connection: without a queue', path: '/json/42', options: ['--connections=1'] },
}
export type Load = keyof typeof loads
export const loadNames = Object.keys(loads) as Load[]

/** Processor time per request is in microseconds: of the app's dyno, and of the router. */
export type Loaded = Carried & { perSecond: number; app: number; router: number; memoryMiB: number }
export type Contender = { deployed: Deployed; dyno: RunningDyno; loaded: Record<Load, Loaded[]> }

/** One load on all apps, then the next; each round begins with another app, so that nobody always comes after the same. */
export async function measureInTurns(contenders: Contender[], routerPid: number): Promise<void> {
  // The first round has code that is not compiled yet.
  for (let round = -1; round < method.rounds; round++) {
    const begin = Math.max(0, round) % contenders.length
    for (const load of loadNames) {
      for (const one of [...contenders.slice(begin), ...contenders.slice(0, begin)]) {
        const loaded = await measure(load, one, routerPid)
        if (round >= 0) one.loaded[load].push(loaded)
      }
    }
  }
}

async function measure(load: Load, { deployed: { app }, dyno }: Contender, routerPid: number): Promise<Loaded> {
  const { path, options } = loads[load]
  const url = `http://127.0.0.1:${app.server.port}${path}`
  const used = async () => ({ app: await dyno.cpuSeconds(), router: await cpuSeconds(routerPid) })
  const before = await used()
  const [carried, memoryMiB] = await Promise.all([
    runWrk({ options, url, seconds: method.seconds, host: app.host }),
    dyno.memoryMiB(),
  ])
  const after = await used()
  const perRequest = (seconds: number) => (seconds * 1e6) / carried.requests
  return {
    ...carried,
    perSecond: carried.requests / method.seconds,
    app: perRequest(after.app - before.app),
    router: perRequest(after.router - before.router),
    memoryMiB,
  }
}
