import { beforeAll, describe, expect, it } from 'vitest'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { startApp } from '../helpers/apps.ts'
import {
  codes,
  endHeaders,
  endStream,
  fields,
  frame,
  FrameClient,
  frames,
  getOf,
  type Frame,
} from '../helpers/frame-client.ts'
import { Http2Client } from '../helpers/http2-client.ts'
import { route } from '../helpers/router.ts'
import { startTlsRouter, testIdentity } from '../helpers/tls-router.ts'

let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

/** Sends batch after batch, each after the one before was read, until the other side closes. */
async function flood(client: FrameClient, batch: (turn: number) => Buffer): Promise<number | undefined> {
  for (let turn = 0; turn < 5_000 && client.socket.writable; turn++) {
    client.socket.write(batch(turn))
    const mark = Buffer.alloc(8, `${turn}`)
    client.send(frames.ping, 0, 0, mark)
    const isRead = ({ type, flags, payload }: Frame): boolean =>
      type === frames.ping && flags === 1 && payload.equals(mark)
    await client.until(isRead).catch(() => undefined)
  }
  return client.goneWith()
}

function repeat(bytes: Buffer, count: number): Buffer {
  return Buffer.concat(Array<Buffer>(count).fill(bytes))
}

const ids = (turn: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => 2 * (turn * count + i) + 1)
const head = fields(getOf('app.test'))

describe('a connection of HTTP/2 is ended with ENHANCE_YOUR_CALM, and counted, that brings too many', () => {
  it.each<[string, (turn: number) => Buffer]>([
    ['pings', () => repeat(frame(frames.ping, 0, 0, Buffer.alloc(8, 'p')), 100)],
    ['settings', () => repeat(frame(frames.settings, 0, 0), 100)],
    ['priorities', () => repeat(frame(frames.priority, 0, 1, Buffer.from([0, 0, 0, 3, 7])), 200)],
    ['frames of a kind that nobody knows', () => repeat(frame(0xee, 0, 0, Buffer.alloc(1_000)), 5)],
    ['updates of the window', () => repeat(frame(frames.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])), 200)],
    [
      'requests that it takes back',
      (turn) =>
        Buffer.concat(
          ids(turn, 20).flatMap((id) => [
            frame(frames.headers, endHeaders | endStream, id, head),
            frame(frames.reset, 0, id, Buffer.from([0, 0, 0, codes.cancel])),
          ]),
        ),
    ],
  ])('%s', async (_, batch) => {
    await using app = await startApp((req) => void req.resume())
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    const client = await FrameClient.connect(router.tlsPort)
    expect(await flood(client, batch)).toBe(codes.calm)
    expect(router.router.counters.cutOff).toBe(1)
    using other = await Http2Client.connect(router.tlsPort)
    expect(await other.ask({ ':authority': 'nobody.test' })).toMatchObject({ status: 404 })
  })

  it('requests that are malformed, which nghttp2 counts', async () => {
    await using router = await startTlsRouter(identity)
    const client = await FrameClient.connect(router.tlsPort)
    const malformed = fields([['X-Upper', '']])
    const batch = (turn: number): Buffer =>
      Buffer.concat(ids(turn, 20).map((id) => frame(frames.headers, endHeaders | endStream, id, malformed)))
    expect(await flood(client, batch)).toBe(codes.internal)
    expect(router.router.counters.cutOff).toBe(1)
  })
})
