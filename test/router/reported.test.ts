import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import type { AppRoute } from '../../src/model/route.ts'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { listen, startApp, startRawApp, type TestApp } from './helpers/apps.ts'
import { startH2cApp } from './helpers/h2c-app.ts'
import { answerOf, Http2Client } from './helpers/http2-client.ts'
import { proxyHeader2 } from './helpers/proxy-header.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route } from './helpers/router.ts'
import { startTlsRouter, testIdentity } from './helpers/tls-router.ts'

let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

const ask = (path: string, ...lines: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: app.test', 'Connection: close', ...lines, '', ''].join('\r\n')
const h2c = { protocol: 'h2c' as const }
const affinity = { affinity: true as const }
const startThree = () => Promise.all(['a', 'b', 'c'].map((name) => startApp((_, answer) => answer.end(name))))
const end = (apps: TestApp[]) => Promise.all(apps.map((app) => app[Symbol.asyncDispose]()))

// Each was reported of another server: it is here that it is not so, or no more.
describe('session affinity', () => {
  it('begins with a WebSocket too (traefik/traefik#3343)', async () => {
    const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
    await using app = await startRawApp((socket) => socket.write(upgrade))
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge: affinity })] })
    using client = await RawClient.connect(router.port)
    const asked = ask('/').replace('Connection: close', 'Upgrade: websocket\r\nConnection: Upgrade')
    expect(await client.send(asked).until(/\r\n\r\n/)).toMatch(/^Set-Cookie: heroku-session-affinity=[\w-]{22};/m)
    using over2 = await Http2Client.connect(router.tlsPort)
    const stream = over2.open({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https' }, true)
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/^heroku-session-affinity=/)])
  })

  it('is for pages of other sites too, over TLS (traefik/traefik#6261)', async () => {
    const apps = await startThree()
    await using router = await startTlsRouter(identity, { routes: [route(apps, { edge: affinity })] })
    using client = await Http2Client.connect(router.tlsPort)
    const { headers } = await client.ask()
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/; HttpOnly; SameSite=None; Secure$/)])
    await end(apps)
  })

  it('is found in whichever piece of the cookies a browser has it (traefik/traefik#3926)', async () => {
    const apps = await startThree()
    await using router = await startTlsRouter(identity, { routes: [route(apps, { edge: affinity })] })
    using client = await Http2Client.connect(router.tlsPort)
    const { headers, body } = await client.ask()
    const [cookie = ''] = headers['set-cookie']![0]!.split(';')
    for (const pieces of [
      ['x=y', cookie],
      [cookie, 'x=y'],
      ['JSESSIONID=1', `y=z; ${cookie}`],
      ['a=b', 'c=d', cookie],
    ])
      expect(await client.ask({ cookie: pieces })).toMatchObject({ body, headers: { via: '1.1 paas' } })
    await end(apps)
  })
})

describe('an app of gRPC', () => {
  it('that takes few requests at once on a connection gets all of many, on several (REFUSED_STREAM)', async () => {
    const serve = { settings: { maxConcurrentStreams: 3 } }
    await using app = await startH2cApp((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' })
      stream.write('and stays open')
    }, serve)
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge: h2c })] })
    using client = await Http2Client.connect(router.tlsPort)
    const calls = Array.from({ length: 10 }, () => {
      const stream = client.open({ ':method': 'POST', 'content-type': 'application/grpc' }, true)
      stream.write('asks')
      return stream
    })
    const heads = (await Promise.all(calls.map((call) => once(call, 'response')))) as [IncomingHttpHeaders][]
    for (const [headers] of heads) expect(headers['grpc-status']).toBeUndefined()
    expect(app.sessions).toBe(4)
  })

  it('whose connection is gone without a word is asked over another one (traefik/traefik#8375)', async () => {
    await using app = await startH2cApp((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('served')
    })
    await using wire = await startWire(app.port)
    const edge = { ...h2c, answerMs: 500 }
    await using router = await startTlsRouter(identity, { routes: [route([wire], { edge })] })
    using client = await Http2Client.connect(router.tlsPort)
    expect((await client.ask()).status).toBe(200)
    wire.cut()
    expect((await client.ask()).status).toBe(503)
    expect((await client.ask()).status).toBe(200)
    expect(app.sessions).toBe(2)
  })

  it('may answer with its status alone (traefik/traefik#4181)', async () => {
    const said = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }
    await using app = await startH2cApp((stream) => stream.respond(said, { endStream: true }))
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge: h2c })] })
    using client = await Http2Client.connect(router.tlsPort)
    const call = client.open({ ':method': 'POST', 'content-type': 'application/grpc' }, true)
    call.end('asks')
    const [headers, flags] = (await once(call, 'response')) as [IncomingHttpHeaders, number]
    expect({ status: headers['grpc-status'], isWhole: flags & 1 }).toEqual({ status: '5', isWhole: 1 })
  })
})

describe('a request', () => {
  it('that waits for 100 (Continue) is not asked for a body that is refused (seanmonstar/warp#383)', async () => {
    await using app = await startApp((_, answer) => answer.end('served'))
    await using router = await startTlsRouter(identity, { routes: [route([app], { edge: { bodyBytes: 10 } })] })
    const waiting = ask('/', 'Expect: 100-continue', 'Content-Length: 20').replace('GET', 'POST')
    expect(statusOf(await talk(router.port, waiting))).toBe(413)
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open({ ':method': 'POST', expect: '100-continue', 'content-length': '20' }, true)
    stream.on('continue', () => expect.fail('its body was asked for'))
    expect(await answerOf(stream)).toMatchObject({ status: 413 })
  })

  it('that waits for it gets it once (traefik/traefik#2899)', async () => {
    await using app = await startApp((request, answer) => void request.resume().on('end', () => answer.end('served')))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(ask('/', 'Expect: 100-continue', 'Content-Length: 3').replace('GET', 'POST'))
    await client.until(/100 Continue\r\n\r\n/)
    expect((await client.send('abc').untilClosed()).split('100 Continue')).toHaveLength(2)
  })

  it.each([{}, { connection: 'close' }])(
    'that is answered before all of it was sent over HTTP/2 ends with that, and no other with it, %j (haproxy/haproxy#3495)',
    async (fields) => {
      await using app = await startApp((_, answer) => answer.writeHead(403, fields).end('not read'))
      await using router = await startTlsRouter(identity, { routes: [route([app])] })
      using client = await Http2Client.connect(router.tlsPort)
      for (let n = 0; n < 10; n++) {
        const stream = client.open({ ':method': 'POST' }, true)
        stream.write(Buffer.alloc(300_000))
        expect(await answerOf(stream)).toMatchObject({ status: 403, body: 'not read' })
      }
      expect(router.router.counters).toMatchObject({ connections: 1, cutOff: 0 })
    },
  )

  it('over HTTP/2 whose client ends its connection in the midst of the answer is over at the app', async () => {
    const large = Buffer.alloc(3_000_000)
    const over = Promise.withResolvers<void>()
    const over2 = Promise.withResolvers<void>()
    await using app = await startApp((_, answer) => void answer.on('close', () => over.resolve()).end(large))
    await using grpc = await startH2cApp((stream) => {
      stream.on('close', () => over2.resolve()).respond({ ':status': 200 })
      stream.end(large)
    })
    const routes = [route([app]), route([grpc], { appId: 'app-2' as AppId, hosts: ['grpc.test'], edge: h2c })]
    await using router = await startTlsRouter(identity, { routes })
    for (const [host, promise] of [
      ['app.test', over.promise],
      ['grpc.test', over2.promise],
    ] as const) {
      const client = await Http2Client.connect(router.tlsPort)
      await once(client.open({ ':authority': host }), 'data')
      client.session.destroy()
      await promise
    }
    expect(router.lines).toEqual([expect.stringContaining('code=H27'), expect.stringContaining('code=H27')])
  })

  it('for another protocol than WebSocket over HTTP/2 is refused as that (caddyserver/caddy#6740)', async () => {
    await using app = await startApp((_, answer) => answer.end('served'))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open({ ':method': 'CONNECT', ':protocol': 'connect-udp', ':scheme': 'https' }, true)
    expect(await answerOf(stream)).toMatchObject({ status: 501 })
  })

  it('for a name below a wildcard is sent to HTTPS at that name (caddyserver/caddy#1625)', async () => {
    const fields = { hosts: ['*.app.test'], https: { redirect: true } }
    await using router = await startTlsRouter(identity, { routes: [route([], fields)], tlsPort: 443 })
    const answer = await talk(router.port, ask('/a?b').replace('app.test', 'shop.app.test'))
    expect(answer).toContain('\r\nLocation: https://shop.app.test/a?b\r\n')
  })
})

it.each<[string, Partial<AppRoute>]>([
  ['sends its visitors to HTTPS', { https: { redirect: true } }],
  ['lets nobody in', { edge: { allow: ['192.0.2.0/24'] } }],
  ['asks for a login', { edge: { users: [{ name: 'staging', hash: 'of none' }] as never } }],
  ['is in maintenance', { state: 'maintenance' }],
  ['has its requests held', { state: 'held' }],
])('an authority finds its proof where an app %s', async (_, fields) => {
  await using router = await startTlsRouter(identity, { routes: [route([{ port: 1 }], fields)], tlsPort: 443 })
  router.router.proofs.show({ http: [{ host: 'app.test', token: 't', answer: 't.key' }], tls: [], onDemand: false })
  expect(await talk(router.port, ask('/.well-known/acme-challenge/t'))).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nt\.key$/)
})

it('a load balancer looks over TLS, in its own name, whether anybody is there (haproxy/haproxy#511)', async () => {
  await using app = await startApp((_, answer) => answer.end('served'))
  const origins = { trustedProxies: ['127.0.0.0/8'] }
  await using router = await startTlsRouter(identity, { routes: [route([app])], origins })
  for (const header of [localHeader, proxyHeader2({ source: '192.0.2.7', port: 443, command: 0x20 })]) {
    const raw = connect(router.tlsPort, '127.0.0.1')
    raw.write(header)
    const socket = connectTls({ socket: raw, rejectUnauthorized: false, servername: 'app.test' })
    await once(socket, 'secureConnect')
    expect(await new RawClient(socket).send(ask('/')).untilClosed()).toMatch(/served$/)
  }
})

/** As HAProxy sends it: no family, no addresses. */
const localHeader = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')

type Wire = AsyncDisposable & { port: number; cut(): void }

/** Passes on what comes, but nothing more of the connections that there were when it was cut. */
async function startWire(to: number): Promise<Wire> {
  const whole = new Set<Socket>()
  const all: Socket[] = []
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    all.push(near, far)
    whole.add(near)
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (data) => whole.has(near) && other.write(data)).on('error', () => from.destroy())
    }
  })
  return {
    port: await listen(server),
    cut: () => whole.clear(),
    async [Symbol.asyncDispose]() {
      for (const socket of all) socket.destroy()
      server.close()
    },
  }
}
