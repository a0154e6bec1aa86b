import { setTimeout as delay } from 'node:timers/promises'
import { api, TestApp, type ServerAddress } from '../test/helpers/app.ts'
import { inTurns, served } from './apps.ts'
import { memoryOf } from './memory.ts'
import { runWrk } from './proxy/measure.ts'
import { timedPush } from './push.ts'
import type { Row } from './table.ts'

const running = 30
const pushes = 20
const loadSeconds = 60
/** A share that the server may hold beyond what it had at its start, once it is idle again. */
const mayStay = 0.15

/**
 * Memory of a server at its start, with apps that run, after pushes and under load, and when it has been idle for ten
 * minutes and for an hour since.
 */
export async function benchAfterLoad(server: ServerAddress & { pid: number }): Promise<Row[]> {
  const rows: Row[] = []
  const measure = async (what: string): Promise<number> => {
    const { total } = await memoryOf(server.pid)
    process.stderr.write(`${what}: ${total.toFixed(0)} MiB\n`) // the next one may be an hour away
    rows.push({ what, value: total, unit: 'MiB' })
    return total
  }
  await delay(90_000) // what only the start needed is given back
  const most = (await measure('memory at start')) * (1 + mayStay)
  await using app = await TestApp.create(server, 'node-express')
  await timedPush(app, 'first')
  await runOthers(server, app)
  await measure(`  with ${running} apps running`)
  for (let round = 1; round <= pushes; round += 1) await timedPush(app, `push ${round}`)
  await measure(`  after ${pushes} pushes`)
  await Promise.all([load(server, app), delay((loadSeconds - 5) * 1000).then(async () => measure('  under load'))])
  await delay(10 * 60_000)
  await measure('  ten minutes later')
  await delay(20 * 60_000)
  await measure('  half an hour later')
  await delay(30 * 60_000)
  const { total: value, rows: processes } = await memoryOf(server.pid)
  return [
    ...rows,
    { what: '  an hour later', value, unit: 'MiB', target: `≤ ${most.toFixed(0)} MiB`, met: value <= most },
    ...processes,
  ]
}

async function load(server: ServerAddress, app: TestApp): Promise<void> {
  const options = ['--connections=64', '--timeout=20s'] // what waits on a busy machine is not what is measured
  await runWrk({ options, url: `http://127.0.0.1:${server.port}/`, seconds: loadSeconds, host: app.host })
}

/** Other apps with the slug of this one. */
async function runOthers(server: ServerAddress, app: TestApp): Promise<void> {
  const { body: releases } = await app.api<{ slug: { id: string } | null }[]>('GET', '/releases')
  const slug = releases.at(-1)?.slug?.id
  await inTurns(running - 1, 2, async () => {
    const { body: other } = await api<{ name: string }>(server, 'POST', '/apps', { body: {} })
    await api(server, 'POST', `/apps/${other.name}/releases`, { body: { slug } })
    await served(server, other.name)
  })
}
