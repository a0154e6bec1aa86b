import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Drains } from '../src/drains/drains.ts'
import { createLog } from '../src/log.ts'
import type { AppLogWriter, ReadLine } from '../src/model/app-log.ts'
import { openAppLogReader } from '../src/logs/reader.ts'
import { openAppLogWriter } from '../src/logs/writer.ts'
import { createOutbound } from '../src/outbound/outbound.ts'
import { LogCollector } from '../src/worker/collect-logs.ts'
import { LogCursors } from '../src/worker/log-cursors.ts'
import { never, testEngine, type TestEngine } from '../test/engine/support.ts'
import { TestStore } from '../test/store/test-store.ts'
import type { Row } from './table.ts'

/** Lines a second of about 100 bytes each, and for how many seconds a dyno writes them. */
const rates = [1_000, 5_000, 20_000, 50_000]
const seconds = 4
/** Large enough to keep all lines, so that what is missing was lost on the way. */
const sizes = { segmentBytes: 2 ** 30, segments: 2 }

const log = createLog('bench', 'silent')

/** What one dyno may write, from its stdout through the engine into the log: the loss, and this process's time for a line. */
export async function benchLogs(): Promise<Row[]> {
  await using server = await testEngine()
  const rows: Row[] = []
  for (const rate of rates) rows.push(...(await benchRate(server, rate)))
  return [...rows, ...(await benchDrain(100_000))]
}

async function benchRate(server: TestEngine, rate: number): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-logs-'))
  const before = process.cpuUsage()
  await collect(server, directory, rate)
  const { user, system } = process.cpuUsage(before)
  const { arrived, lost } = await countLines(directory, server)
  await rm(directory, { recursive: true })
  const percent = (100 * arrived) / (rate * seconds)
  return [
    {
      what: `log: arrived of ${rate} lines a second`,
      value: percent,
      unit: '%',
      note: `the log says ${lost} lines (L10)`,
    },
    { what: '  this process, per line', value: (user + system) / arrived, unit: 'µs' },
  ]
}

/** Runs the dyno, and copies what it prints until it says that it is done. */
async function collect(server: TestEngine, directory: string, rate: number): Promise<void> {
  const { engine, appId } = server
  await using logs = openAppLogWriter({ directory, log, sizes })
  const cursors = new LogCursors({ path: join(directory, 'cursors.json'), log })
  await using collector = new LogCollector({ engine, logs, cursors, log })
  const dyno = await server.dyno(writerOf(rate), { name: `web.${rate}` })
  collector.follow(dyno)
  for await (const { text } of openAppLogReader({ directory }).read(appId, { lines: 0, follow: true }, never)) {
    if (text === 'the end') break
  }
  await engine.stopDyno(dyno.id, 0)
}

/** A portion, 10 ms of rest, and so on; then one line that says that all were written. */
function writerOf(rate: number): string {
  const portion = `print "x" x 99, "\\n" for 1..${rate / 100}`
  return `exec perl -e 'for (1..${seconds * 100}) { ${portion}; $|++; $|--; select undef, undef, undef, .01 } sleep 1; print "the end\\n"; $|++; sleep 600'`
}

async function countLines(directory: string, { appId }: TestEngine): Promise<{ arrived: number; lost: number }> {
  let [arrived, lost] = [0, 0]
  for await (const line of openAppLogReader({ directory }).read(appId, { lines: 1e6, follow: false }, never)) {
    if (line.process === 'logplex') lost += lostOf(line)
    else if (line.text !== 'the end') arrived++
  }
  return { arrived, lost }
}

function lostOf({ text }: ReadLine): number {
  return Number(/: (\d+) messages dropped/.exec(text)?.[1] ?? 0)
}

/** A drain on loopback that takes all it gets, in another thread: from the log's files to the answers. */
async function benchDrain(count: number): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-bench-drain-'))
  using record = new TestStore()
  const logs = openAppLogWriter({ directory, log, sizes })
  await using receiver = await startReceiver()
  await writeLines(logs, record, count)
  record.store.drains.create({ appId: record.app.id, url: `http://127.0.0.1:${receiver.port}/` })
  const done = Promise.withResolvers<void>()
  let place = '1:0'
  const cursors = {
    get: () => place,
    set: (_id: string, position: string) => {
      place = position
      if (Number(position.split(':')[1]) >= count * bytesPerLine) done.resolve()
    },
    keepOnly: () => undefined,
  }
  const outbound = createOutbound({ outbound: { allow: ['127.0.0.0/8'] }, certificateFiles: [], httpPort: 1 })
  const drains = new Drains({
    store: record.store,
    log,
    logs,
    appLog: openAppLogReader({ directory }),
    outbound,
    cursors,
  })
  const [begin, before] = [performance.now(), process.threadCpuUsage()]
  drains.sync()
  await done.promise
  const { user, system } = process.threadCpuUsage(before)
  const time = performance.now() - begin
  await drains[Symbol.asyncDispose]()
  await logs[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
  return [
    { what: 'drain (HTTP): lines a second from a backlog', value: (1000 * count) / time, unit: '/s' },
    { what: '  the worker, per line', value: (user + system) / count, unit: 'µs' },
  ]
}

/** As many bytes as each makes in the file. */
const bytesPerLine = 146

async function writeLines(logs: AppLogWriter, { app }: TestStore, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    logs.write(app.id, { time: new Date(), source: 'app', process: 'web.1', text: 'x'.repeat(100) })
    if (n % 1000 === 999) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function startReceiver(): Promise<{ port: number } & AsyncDisposable> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()))
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  return { port, [Symbol.asyncDispose]: async () => void (await worker.terminate()) }
}
