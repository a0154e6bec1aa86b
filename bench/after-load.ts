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
  await delay(90_000) // what only the start needed is given back
  const start = await memoryOf(server.pid)
  await using app = await TestApp.create(server, 'node-express')
  await timedPush(app, 'first')
  await runOthers(server, app)
  const apps = await memoryOf(server.pid)
  for (let round = 1; round <= pushes; round += 1) await timedPush(app, `push ${round}`)
  const pushed = await memoryOf(server.pid)
  const load = runWrk({
    options: ['--connections=64'],
    url: `http://127.0.0.1:${server.port}/`,
    seconds: loadSeconds,
    host: app.host,
  })
  const [loaded] = await Promise.all([delay((loadSeconds - 5) * 1000).then(async () => memoryOf(server.pid)), load])
  await delay(10 * 60_000)
  const soon = await memoryOf(server.pid)
  await delay(50 * 60_000)
  const later = await memoryOf(server.pid)
  const most = start.total * (1 + mayStay)
  return [
    row('memory at start', start.total),
    row(`  with ${running} apps running`, apps.total),
    row(`  after ${pushes} pushes`, pushed.total),
    row('  under load', loaded.total),
    row('  ten minutes later', soon.total),
    { ...row('  an hour later', later.total), target: `≤ ${most.toFixed(0)} MiB`, met: later.total <= most },
    ...later.rows,
  ]
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

function row(what: string, value: number): Row {
  return { what, value, unit: 'MiB' }
}
