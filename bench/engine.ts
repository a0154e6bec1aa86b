import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { listener, never, testEngine, type TestEngine } from '../test/engine/support.ts'
import { median } from './statistics.ts'
import type { Row } from './table.ts'

const mebibyte = 2 ** 20

/** What a warm push pays for containers: each step's median, in milliseconds, with a slug of 500 files and 10 MiB. */
export async function benchEngine(rounds = 7): Promise<Row[]> {
  await using server = await testEngine()
  const slug = await slugOf(500, 10 * mebibyte)
  const times = new Map<string, number[]>()
  for (let round = -1; round < rounds; round++) {
    const one = new Map<string, number>()
    await push(server, slug, one)
    if (round >= 0) for (const [what, ms] of one) times.set(what, [...(times.get(what) ?? []), ms])
  }
  const rows = [...times].map(([what, values]) => ({ what: `engine: ${what}`, value: median(values), unit: 'ms' }))
  return [...rows, ours(times)]
}

async function push(server: TestEngine, slug: Buffer, times: Map<string, number>): Promise<void> {
  const time = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const begin = performance.now()
    const result = await work()
    times.set(what, performance.now() - begin)
    return result
  }
  const spec = { cacheAt: '/var/cache/build', secretsAt: '/run/config' }
  const sandbox = await time('make a sandbox', () => server.sandbox(spec))
  const order = { argv: ['tar', '-c', '-C', '/', 'app'], env: {}, files: Readable.from([slug]) }
  const made: Buffer[] = []
  await time('give it files and take them', () => sandbox.run(order, (chunk) => void made.push(chunk), never))
  const config = { labels: { 'paas.app': server.appId }, command: ['bash'] }
  const image = await time('make an image of /app', () =>
    server.engine.appendLayer({ base: server.image, layer: Readable.from(made), config }),
  )
  const dyno = await time('start a dyno', () => server.dyno(listener('5000'), { image: image.digest }))
  await time('until it takes connections', () => connectable(dyno.address ?? '', 5000))
  await time('remove the sandbox', async () => sandbox[Symbol.asyncDispose]())
  await time('stop a dyno', () => server.engine.stopDyno(dyno.id, 30_000))
  await server.engine.removeImage(image.digest)
}

function ours(times: Map<string, number[]>): Row {
  const parts = ['make a sandbox', 'make an image of /app', 'start a dyno'].map((what) => times.get(what) ?? [])
  const value = median((parts[0] ?? []).map((_, round) => parts.reduce((sum, part) => sum + (part[round] ?? 0), 0)))
  return { what: 'engine: sandbox, image and dyno', value, unit: 'ms', target: '≤ 1000 ms', met: value <= 1000 }
}

async function slugOf(files: number, bytes: number): Promise<Buffer> {
  const archive = pack()
  for (let file = 0; file < files; file++) {
    archive.entry({ name: `app/file-${file}`, uid: 1000, gid: 1000 }, randomBytes(Math.floor(bytes / files)))
  }
  archive.finalize()
  return buffer(archive)
}

async function connectable(host: string, port: number): Promise<void> {
  const socket = connect(port, host)
  const opened = await new Promise((settle) => {
    socket.on('connect', () => settle(true)).on('error', () => settle(false))
  })
  socket.destroy()
  if (!opened) await connectable(host, port)
}
