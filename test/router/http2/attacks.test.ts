import { spawn, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, type Config } from '../../../src/config.ts'
import { openDataDirectory } from '../../../src/data-directory.ts'
import type { AppId } from '../../../src/model/ids.ts'
import { routerStatus } from '../../../src/router/control/client.ts'
import { TableFile } from '../../../src/router/table/table-file.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startApp, type TestApp } from '../helpers/apps.ts'
import { codes, endHeaders, endStream, fields, frame, FrameClient, frames, getOf } from '../helpers/frame-client.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { route } from '../helpers/router.ts'

/** The last word; none where what was still on its way to the router had the connection reset. */
const words = [codes.calm, codes.internal, codes.flowControl, codes.protocol, undefined]
/** Of each attack; the bystander has one more. */
const connections = 5
/**
 * Milliseconds of the router's processor that an attack may take at most, until all of its
 * connections are cut off: nobody else's answer is held up for longer, however busy the machine is.
 */
const mostWork = 1_000
/** Of a visitor between two requests, milliseconds. */
const pause = 10
/** MiB that the router may take at most above what it had before, for all connections of an attack. */
const mostGrowth = 100
/** More than the router takes of an answer that nobody reads. */
const large = Buffer.alloc(300_000, 'x')
let app: TestApp
/** Whose visitors are to notice nothing. */
let other: TestApp
let config: Config
let router: ChildProcess

beforeAll(async () => {
  app = await startApp(
    (req, res) => void req.resume().on('end', () => res.end(req.url === '/large' ? large : 'served')),
  )
  other = await startApp((_, res) => res.end('served'))
  const settings = {
    PAAS_DATA: await mkdtemp(join(tmpdir(), 'paas-attacks-')),
    PAAS_HTTP_PORT: String(await freePort()),
    PAAS_HTTPS_PORT: String(await freePort()),
    PAAS_LOG_LEVEL: 'warn',
    PAAS_APP_CONNECTIONS_PERCENT: '100',
  }
  config = loadConfig(settings)
  openDataDirectory(config)
  await new TableFile(config.paths).save({
    controlHost: 'localhost',
    controlSocket: config.paths.apiSocket,
    routes: [
      route([app], { edge: { idleMs: 3_000 } }),
      route([other], { appId: 'app-2' as AppId, app: 'other', hosts: ['other.test'] }),
    ],
  })
  const main = resolve(import.meta.dirname, '../../../src/main/router.ts')
  const env = { ...process.env, ...settings }
  router = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  for await (const [message] of on(router, 'message') as AsyncIterable<[object]>) if ('ready' in message) break
})

afterAll(async () => {
  router.kill('SIGKILL')
  await once(router, 'exit')
  await Promise.all([app, other].map((one) => one[Symbol.asyncDispose]()))
  await rm(config.dataDirectory, { recursive: true })
})

const cutOff = async (): Promise<number> => (await routerStatus(config.paths.routerSocket))!.counters.cutOff

/** MiB that the router holds at its highest since the last call. */
async function highestMemory(): Promise<number> {
  const status = await readFile(`/proc/${router.pid}/status`, 'utf8')
  await writeFile(`/proc/${router.pid}/clear_refs`, '5')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

/** Milliseconds that the router has had a processor for, since it began. */
async function processorTime(): Promise<number> {
  const threads = (await readdir(`/proc/${router.pid}/task`)).map((id) => `/proc/${router.pid}/task/${id}/schedstat`)
  const spent = await Promise.all(threads.map(async (path) => Number((await readFile(path, 'utf8')).split(' ')[0])))
  return spent.reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0)
}

/**
 * Another app's visitor asks all the time, and is answered.
 * @returns milliseconds of the router's processor beyond what as many answers took after it, and
 * MiB that the router grew by
 */
async function costOf(attackers: () => Promise<unknown>): Promise<{ work: number; growth: number }> {
  using client = await Http2Client.connect(config.httpsPort!)
  await highestMemory()
  const [memory, begun] = [await highestMemory(), await processorTime()]
  const ask = async (): Promise<void> => {
    expect(await client.ask({ ':authority': 'other.test' })).toMatchObject({ status: 200, body: 'served' })
    await delay(pause)
  }
  let [isOver, asked] = [false, 0]
  const over = attackers().finally(() => (isOver = true))
  for (; !isOver; asked++) await ask()
  await over
  const [ended, growth] = [await processorTime(), (await highestMemory()) - memory]
  for (let i = 0; i < asked; i++) await ask()
  return { work: 2 * ended - begun - (await processorTime()), growth }
}

/** Sends as fast as the other side reads, until it closes. @returns the code of its last word */
async function attack({ first, batch, settings }: Attack): Promise<number | undefined> {
  using client = await FrameClient.connect(config.httpsPort!, settings)
  const { socket } = client
  const gone = client.goneWith()
  if (first) socket.write(first)
  for (let turn = 0; socket.writable; turn++) {
    // Until it is read, or the connection is gone.
    await new Promise((resolve) => socket.write(batch(turn), resolve))
  }
  return await gone
}

type Attack = { first?: Buffer; batch: (turn: number) => Buffer; settings?: Buffer }

const repeat = (bytes: Buffer, count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(bytes))
const head = fields(getOf('app.test'))
const post = fields([[':method', 'POST'], ...getOf('app.test').slice(1)])
const idsOf = (turn: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => 2 * (turn * count + i) + 1)
const requests = (turn: number, more: (id: number) => Buffer): Buffer =>
  Buffer.concat(idsOf(turn, 20).flatMap((id) => [frame(frames.headers, endHeaders | endStream, id, head), more(id)]))
/** A head of up to five frames, of the size that every server takes. */
const inPieces = (id: number, block: Buffer): Buffer =>
  Buffer.concat(
    [0, 1, 2, 3, 4].map((n) => {
      const flags = (n === 0 ? endStream : 0) | (n === 4 ? endHeaders : 0)
      return frame(n === 0 ? frames.headers : frames.continuation, flags, id, block.subarray(n << 14, (n + 1) << 14))
    }),
  )
/** RFC 7541 section 6.2.1: one that is kept, and then named by one byte, 4 KB each. */
const kept = Buffer.concat([Buffer.of(0x40), fields([['x', 'y'.repeat(4_000)]]).subarray(1)])
const bomb = Buffer.concat([head, kept, Buffer.alloc(10_000, 0x80 + 62)])
const tooLarge = Buffer.concat([head, fields(Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'y'.repeat(4_000)]))])
const largestWindow = Buffer.from([0x7f, 0xff, 0xff, 0xff])

const attacks: [string, Attack][] = [
  [
    'CONTINUATION frames that are empty',
    { first: frame(frames.headers, 0, 1, head), batch: () => repeat(frame(frames.continuation, 0, 1), 500) },
  ],
  [
    'CONTINUATION frames with fields and no end',
    {
      first: frame(frames.headers, 0, 1, head),
      batch: () => frame(frames.continuation, 0, 1, fields(Array(1_000).fill(['x-more', 'y']) as [string, string][])),
    },
  ],
  [
    'DATA frames that are empty',
    { first: frame(frames.headers, endHeaders, 1, post), batch: () => repeat(frame(frames.data, 0, 1), 1_000) },
  ],
  [
    'DATA frames that are padding',
    {
      first: frame(frames.headers, endHeaders, 1, post),
      batch: () => repeat(frame(frames.data, 8, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)])), 100),
    },
  ],
  ['heads that are too large', { batch: (turn) => Buffer.concat(idsOf(turn, 5).map((id) => inPieces(id, tooLarge))) }],
  [
    'heads that grow a thousandfold when they are read',
    {
      batch: (turn) =>
        Buffer.concat(idsOf(turn, 5).map((id) => frame(frames.headers, endHeaders | endStream, id, bomb))),
    },
  ],
  ['pings', { batch: () => repeat(frame(frames.ping, 0, 0, Buffer.alloc(8)), 1_000) }],
  ['settings', { batch: () => repeat(frame(frames.settings, 0, 0), 1_000) }],
  [
    'requests that it takes back at once',
    {
      batch: (turn) => requests(turn, (id) => frame(frames.reset, 0, id, Buffer.from([0, 0, 0, codes.cancel]))),
    },
  ],
  [
    'requests that it has the router take back, by windows that grow too large',
    {
      batch: (turn) => requests(turn, (id) => repeat(frame(frames.windowUpdate, 0, id, largestWindow), 2)),
    },
  ],
]

describe('an attack over HTTP/2 is cut off and counted, takes little memory, and keeps nobody else from an answer', () => {
  it.each(attacks)('%s', async (_, one) => {
    const before = await cutOff()
    const said: unknown[] = []
    const attackers = Array.from({ length: connections }, () => async () => said.push(await attack(one)))
    const { work, growth } = await costOf(() => Promise.all(attackers.map((each) => each())))
    for (const code of said) expect(words).toContain(code)
    expect((await cutOff()) - before).toBe(connections)
    expect(growth).toBeLessThan(mostGrowth)
    expect(work).toBeLessThan(mostWork)
  })

  it('windows of no bytes, over which no answer is ever taken', async () => {
    const noWindow = Buffer.from([0, 4, 0, 0, 0, 0])
    const head = fields([...getOf('app.test').filter(([name]) => name !== ':path'), [':path', '/large']])
    const starve = async (): Promise<void> => {
      using client = await FrameClient.connect(config.httpsPort!, noWindow)
      for (const id of idsOf(0, 100)) client.send(frames.headers, endHeaders | endStream, id, head)
      for (const id of idsOf(0, 100)) await client.until(({ type, stream }) => type === frames.reset && stream === id)
    }
    const { work, growth } = await costOf(() => Promise.all(Array.from({ length: connections }, starve)))
    expect(growth).toBeLessThan(mostGrowth)
    expect(work).toBeLessThan(mostWork)
  })
})
