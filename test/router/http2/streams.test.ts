import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { startApp, type TestApp } from '../helpers/apps.ts'
import { answerOf, Http2Client } from '../helpers/http2-client.ts'
import { route } from '../helpers/router.ts'
import { startTlsRouter, testIdentity } from '../helpers/tls-router.ts'

let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

/** A text frame from a client, masked with zeros. */
const say = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, 0x80 + text.length, 0, 0, 0, 0]), Buffer.from(text)])

async function startEcho(): Promise<TestApp> {
  const app = await startApp((_, res) => res.end('no WebSocket'))
  const server = new WebSocketServer({ server: app.server, handleProtocols: () => 'chat' })
  server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(`${data.toString()}!`)))
  return app
}

const tunnel = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', 'sec-websocket-version': '13' }

describe('a WebSocket over HTTP/2', () => {
  it('is one of HTTP/1.1 for the app, and is logged as such', async () => {
    await using app = await startEcho()
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    expect(client.session.remoteSettings.enableConnectProtocol).toBe(true)
    const stream = client.open({ ...tunnel, 'sec-websocket-protocol': 'chat' }, true)
    const [head] = await once(stream, 'response')
    expect(head).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' })
    expect(Object.keys(head)).not.toContain('sec-websocket-accept')
    stream.write(say('hello'))
    const [data] = (await once(stream, 'data')) as [Buffer]
    expect(data.toString('latin1')).toBe('\x81\x06hello!')
    stream.end()
    await once(stream, 'close')
    await expect
      .poll(() => router.lines)
      .toEqual([expect.stringMatching(/^at=info method=GET path="\/" .* status=101/)])
  })

  it('is told to go when its dyno is replaced', async () => {
    await using app = await startEcho()
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open(tunnel, true)
    await once(stream, 'response')
    const drained = router.router.stop({ milliseconds: 5_000, idle: 'close' })
    const [data] = (await once(stream, 'data')) as [Buffer]
    expect(data).toEqual(Buffer.from([0x88, 0x02, 0x03, 0xe9]))
    stream.end()
    await drained
  })

  it('does not come about where the app answers as if it were a request', async () => {
    await using app = await startApp((_, res) => res.end('a page'))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open(tunnel, true)
    expect(await answerOf(stream)).toMatchObject({ status: 502 })
  })
})

describe('a router that leaves', () => {
  it('tells its clients to go, and answers what they still ask', async () => {
    const { promise: later, resolve } = Promise.withResolvers<void>()
    await using app = await startApp((_, res) => void later.then(() => res.end('late')))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const early = client.ask()
    await expect.poll(() => router.router.counters.requests).toBe(1)
    const told = once(client.session, 'goaway')
    const stopped = router.router.stop({ milliseconds: 10_000, idle: 'keep' })
    expect((await told).slice(0, 2)).toEqual([0, 2 ** 31 - 1])
    resolve()
    expect((await early).body).toBe('late')
    await stopped
  })
})

describe('a swap under load', () => {
  it('loses no request of clients of HTTP/2', async () => {
    await using before = await startApp((_, res) => res.end('before'))
    await using after = await startApp((_, res) => res.end('after'))
    await using router = await startTlsRouter(identity, { routes: [route([before])] })
    let isOver = false
    const seen: Record<string, number> = { before: 0, after: 0 }
    const load = Array.from({ length: 4 }, async () => {
      using client = await Http2Client.connect(router.tlsPort)
      while (!isOver) {
        const answers = await Promise.all(Array.from({ length: 10 }, () => client.ask()))
        for (const { status, body } of answers) {
          expect(status).toBe(200)
          seen[body]!++
        }
      }
    })
    await expect.poll(() => seen['before']).toBeGreaterThan(200)
    router.router.routes.switchTo(route([], { state: 'held' }))
    await delay(200)
    router.router.routes.switchTo(route([after]))
    await expect.poll(() => seen['after']).toBeGreaterThan(200)
    isOver = true
    await Promise.all(load)
    expect(router.lines.filter((line) => !line.includes('status=200'))).toEqual([])
  })
})

describe('what an app lets in', () => {
  it('holds for HTTP/2 too', async () => {
    await using app = await startApp((req, res) => void req.resume().on('end', () => res.end('in')))
    const edge = { bodyBytes: 10, affinity: true as const, deny: ['192.0.2.0/24'] }
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    const bound = await client.ask()
    expect(bound.headers['set-cookie']).toEqual([expect.stringMatching(/^heroku-session-affinity=.*; Secure$/)])
    expect(await client.ask({ ':method': 'POST' }, Buffer.alloc(20))).toMatchObject({ status: 413 })
    expect(await client.ask({ ':method': 'POST' }, Buffer.alloc(10))).toMatchObject({ status: 200 })
    router.router.routes.switchTo(route([app], { edge: { allow: ['192.0.2.0/24'] } }))
    expect(await client.ask()).toMatchObject({ status: 403 })
    router.router.routes.switchTo(route([], { state: 'maintenance' }))
    expect(await client.ask()).toMatchObject({ status: 503 })
  })
})

describe('a client that does not read', () => {
  it('holds no more than a little of its answers, and is cut off in time', async () => {
    let sent = 0
    await using app = await startApp((_, res) => {
      const piece = Buffer.alloc(65_536)
      const more = (): void => {
        while (!res.destroyed) {
          sent += piece.length
          if (!res.write(piece)) return void res.once('drain', more)
        }
      }
      more()
    })
    const idle = { connect: 5_000, firstByte: 30_000, idle: 1_500 }
    await using router = await startTlsRouter(identity, { routes: [route([app])], limits: { app: idle } })
    using client = await Http2Client.connect(router.tlsPort)
    const streams = Array.from({ length: 5 }, () => client.open())
    for (const stream of streams) stream.pause()
    await Promise.all(streams.map((stream) => once(stream, 'response')))
    await expect.poll(() => router.lines.length).toBe(5)
    expect(router.lines[0]).toMatch(/code=H28 .* status=499/)
    expect(sent).toBeLessThan(64_000_000)
  })
})

describe('streams beyond what one connection may have', () => {
  it('are refused, which tells the client to ask again', async () => {
    await using app = await startApp((req, res) => void setTimeout(() => res.end('late'), 300))
    await using router = await startTlsRouter(identity, { routes: [route([app])], limits: { connections: 6 } })
    using client = await Http2Client.connect(router.tlsPort)
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => client.ask()))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(6)
    expect(router.router.counters.turnedAway).toBe(4)
  })
})
