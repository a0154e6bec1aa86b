import { readFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { piece } from './echo-frames.ts'
import { smallAnswers, type Load } from './measure.ts'
import type { Listening } from './process.ts'
import type { Row } from '../table.ts'

const connections = 8
const piecesEach = 1024 / connections
/** Until the router has had an idle minute, after which it collects garbage. */
const idleMs = 100_000

/** One GiB each, however long it takes, by who sends it. */
export const gigabytes: Record<string, Load> = {
  'from visitors': (port) => passAll((): Promise<void> => upload(port)),
  'from an app': (port) => passAll((): Promise<void> => download(port)),
}

async function passAll(pass: () => Promise<void>): Promise<number> {
  await Promise.all(Array.from({ length: connections }, pass))
  return 1
}

/** Resident memory of the router before, while 1 GiB passes each way over 8 connections, and when it is idle again. */
export async function benchGigabyte(router: Listening): Promise<Row[]> {
  await smallAnswers(router.port, 2)
  const start = await residentMiB(router.pid)
  const up = await peakDuring(router, () => upload(router.port))
  const down = await peakDuring(router, () => download(router.port))
  await delay(idleMs)
  const most = Math.max(up, down) - start
  const value = (what: string, mib: number): Row => ({
    what: `proxy, router's memory ${what}`,
    value: mib,
    unit: 'MiB',
  })
  return [
    value('before 1 GiB passes', start),
    value('while it comes from visitors, at most', up),
    value('while it comes from an app, at most', down),
    { what: 'proxy, memory more for 1 GiB', value: most, unit: 'MiB', target: '≤ 20 MiB', met: most <= 20 },
    value('after an idle minute', await residentMiB(router.pid)),
  ]
}

async function peakDuring({ pid }: Listening, pass: (index: number) => Promise<void>): Promise<number> {
  let peak = 0
  const sampler = setInterval(() => void residentMiB(pid).then((now) => (peak = Math.max(peak, now))), 50)
  await Promise.all(Array.from({ length: connections }, (_, index) => pass(index)))
  clearInterval(sampler)
  return peak
}

async function upload(port: number): Promise<void> {
  const length = piecesEach * piece.length
  const sent = request({ port, method: 'POST', headers: { host: 'bench.localhost', 'content-length': length } })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  await pipeline(pieces(), sent)
  const [response] = await answered
  await discard(response)
}

async function download(port: number): Promise<void> {
  const sent = request({ port, path: `/${piecesEach}`, headers: { host: 'bench.localhost' } }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await discard(response)
}

function* pieces(): Generator<Buffer> {
  for (let i = 0; i < piecesEach; i++) yield piece
}

async function discard(response: IncomingMessage): Promise<void> {
  if (response.statusCode !== 200) throw new Error(`The router answered with ${response.statusCode}`)
  await once(response.resume(), 'end')
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}
