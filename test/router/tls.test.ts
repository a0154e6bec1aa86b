import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:tls'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { TlsIdentity } from '../../src/router/tls/identity.ts'
import { startApp } from './helpers/apps.ts'
import { RawClient, settled, statusOf, talk } from './helpers/raw-client.ts'
import { route } from './helpers/router.ts'
import { startTlsRouter, testIdentity } from './helpers/tls-router.ts'

let authority: TlsIdentity
let identity: TlsIdentity
const get = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'

beforeAll(async () => {
  ;({ authority, identity } = await testIdentity())
})

describe('a request over TLS', () => {
  it('reaches the app, which is told so, and is logged so', async () => {
    await using app = await startApp((req, res) => res.end(JSON.stringify(req.headers)))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    const answer = await ask(router.tlsPort)
    expect(answer).toMatchObject({
      host: 'app.test',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': String(router.tlsPort),
      'x-forwarded-for': '127.0.0.1',
    })
    expect(router.lines[0]).toMatch(/status=200 bytes=\d+ protocol=https$/)
  })

  it('carries bodies of any size both ways, and waits when its client does not read', async () => {
    await using app = await startApp((req, res) => req.pipe(res))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    const body = Buffer.alloc(5_000_000, 'abcdefgh')
    const outgoing = request({ ...tlsTo(router.tlsPort), method: 'POST' })
    outgoing.end(body)
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.pause()
    await settled(() => response.socket.bytesRead, router.port)
    expect(response.socket.bytesRead).toBeLessThan(4_000_000)
    expect((await text(response)).length).toBe(body.length)
  })

  it('goes on with a session that began in another process with the same keys', async () => {
    const ticketKeys = randomBytes(48)
    await using one = await startTlsRouter(identity, { ticketKeys })
    await using other = await startTlsRouter(identity, { ticketKeys })
    await using stranger = await startTlsRouter(identity)
    const begun = connect({ port: one.tlsPort, rejectUnauthorized: false })
    const [session] = (await once(begun, 'session')) as [Buffer]
    begun.destroy()
    for (const { tlsPort, reused } of [
      { tlsPort: stranger.tlsPort, reused: false },
      { tlsPort: other.tlsPort, reused: true },
    ]) {
      const socket = connect({ port: tlsPort, session, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      expect(socket.isSessionReused()).toBe(reused)
      socket.destroy()
    }
  })

  it('opens WebSockets', async () => {
    await using app = await startApp(() => undefined)
    const server = new WebSocketServer({ server: app.server })
    server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(`${data.toString()}!`)))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    const socket = new WebSocket(`wss://app.test:${router.tlsPort}/`, {
      ca: authority.certificate,
      lookup: (_, __, found) => found(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
    })
    await once(socket, 'open')
    socket.send('hello')
    expect(String((await once(socket, 'message'))[0])).toBe('hello!')
    socket.close()
    await once(socket, 'close')
  })

  it('is refused when its Host is not the host of the handshake', async () => {
    await using router = await startTlsRouter(identity, { routes: [route([])] })
    using client = await RawClient.connectTls(router.tlsPort, { servername: 'other.test' })
    expect(await client.send(get).untilClosed()).toMatch(
      /^HTTP\/1\.1 421 [^]*does not match the host name of the TLS handshake/,
    )
    expect(router.lines).toEqual([
      expect.stringMatching(
        /^at=error code=H31 desc="Misdirected Request" method=GET .* status=421 bytes=0 protocol=https$/,
      ),
    ])
  })

  it('may come with an address in its handshake, which is no host', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await RawClient.connectTls(router.tlsPort, { servername: '127.0.0.1' })
    expect(await client.send(get).untilClosed()).toMatch(/served/)
  })

  it('resumes its session', async () => {
    await using router = await startTlsRouter(identity, {})
    const first = connect(tlsTo(router.tlsPort))
    const [session] = (await once(first, 'session')) as [Buffer]
    first.destroy()
    const second = connect({ ...tlsTo(router.tlsPort), session })
    await once(second, 'secureConnect')
    expect(second.isSessionReused()).toBe(true)
    second.destroy()
  })

  it('is shown a renewed certificate', async () => {
    await using router = await startTlsRouter(identity, {})
    const next = await testIdentity()
    router.router.show(next.identity)
    const socket = connect({ ...tlsTo(router.tlsPort), ca: next.authority.certificate })
    await once(socket, 'secureConnect')
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })
})

describe('an app with a certificate of its own', () => {
  it('shows it for the hosts that it is for, and the server’s elsewhere, also when it is replaced', async () => {
    await using app = await startApp((_, res) => res.end('{}'))
    const [first, second] = [await testIdentity(['own.test', '*.wild.test']), await testIdentity(['own.test'])]
    const hosts = ['app.test', 'own.test', '*.wild.test']
    const shown = { ...first.identity, hosts: ['own.test', '*.wild.test'] }
    await using router = await startTlsRouter(identity, { routes: [route([app], { hosts, certificates: [shown] })] })
    const ask = (host: string, ca: TlsIdentity) => request({ ...tlsTo(router.tlsPort, host), ca: ca.certificate }).end()
    const answers = async (host: string, ca: TlsIdentity) =>
      ((await once(ask(host, ca), 'response')) as [IncomingMessage])[0].resume().statusCode
    for (const host of ['own.test', 'any.wild.test']) expect(await answers(host, first.authority)).toBe(200)
    expect(await answers('app.test', authority)).toBe(200)
    const next = { ...second.identity, hosts: ['own.test'] }
    router.router.routes.switchTo(route([app], { hosts, certificates: [next] }))
    expect(await answers('own.test', second.authority)).toBe(200)
    router.router.routes.switchTo(route([app], { hosts, certificates: [{ ...next, key: 'broken' }] }))
    const [error] = (await once(ask('own.test', second.authority), 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toMatch(/UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/)
    expect(await answers('app.test', authority)).toBe(200)
  })
})

describe('the TLS port', () => {
  it('tells those who speak plain HTTP to it what to do', async () => {
    await using router = await startTlsRouter(identity, { routes: [route([])] })
    const answer = await talk(router.tlsPort, get)
    expect(statusOf(answer)).toBe(400)
    expect(answer).toMatch(/this port requires TLS; use https:\/\/ in the URL/)
    expect(router.lines).toEqual([
      expect.stringMatching(/^at=warning desc="Refused: this port requires TLS; .* status=400 bytes=0 protocol=http$/),
    ])
    expect(router.router.counters).toMatchObject({ refusedRequests: 1, failedHandshakes: 0 })
  })

  it.each([
    [
      'an older TLS',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /PROTOCOL_VERSION/,
    ],
    ['no HTTP that it speaks', { ALPNProtocols: ['h3'] }, /NO_APPLICATION_PROTOCOL/],
  ] as const)('refuses %s in the handshake', async (_, options, code) => {
    await using router = await startTlsRouter(identity, {})
    const socket = connect({ ...tlsTo(router.tlsPort), ...(options as object) })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toMatch(code)
  })

  it('closes handshakes that do not end, and serves others meanwhile', async () => {
    await using app = await startApp((_, res) => res.end('{}'))
    await using router = await startTlsRouter(identity, { routes: [route([app])], limits: { handshake: 400 } })
    const silent = await RawClient.connect(router.tlsPort)
    const slow = await RawClient.connect(router.tlsPort)
    slow.send('\x16\x03\x01\x02\x00\x01\x00')
    const garbage = await RawClient.connect(router.tlsPort)
    garbage.send('\x16\x03\x01\x00\x05hello')
    await garbage.untilClosed()
    expect(await ask(router.tlsPort)).toEqual({})
    await Promise.all([silent.untilClosed(), slow.untilClosed()])
    expect(await ask(router.tlsPort)).toEqual({})
  })

  it('counts who came to no TLS, and nobody else', async () => {
    await using app = await startApp((_, res) => res.end('{}'))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    await ask(router.tlsPort)
    await talk(router.tlsPort, get)
    const distrusts = connect({ port: router.tlsPort, host: '127.0.0.1' })
    await once(distrusts, 'error')
    using silent = await RawClient.connect(router.tlsPort)
    silent.socket.end()
    await silent.untilClosed()
    await expect.poll(() => router.router.counters.failedHandshakes).toBe(2)
  })

  it('stops at once when only handshakes are under way', async () => {
    await using router = await startTlsRouter(identity, {})
    const silent = await RawClient.connect(router.tlsPort)
    await router.router.stop({ milliseconds: 60_000, idle: 'close' })
    expect(await silent.untilClosed()).toBe('')
  })
})

describe('a connection that begins with a token', () => {
  const token = 'Az_-'.repeat(8)

  it('is piped to the one-off dynos as it is, both ways, each ending by itself', async () => {
    await using router = await startTlsRouter(identity, {})
    using client = await RawClient.connectTls(router.tlsPort)
    client.send(token.slice(0, 9))
    client.send(`${token.slice(9)}\r`)
    client.send('\nls\n')
    const dyno = await firstArrival(router.rendezvous)
    expect(await dyno.until(/ls\n$/)).toBe(`${token}\r\nls\n`)
    dyno.send('rendezvous\r\n')
    await client.until(/^rendezvous\r\n$/)
    client.socket.end('\x04')
    await dyno.until(/\x04$/)
    await once(dyno.socket, 'end')
    dyno.send('bye')
    dyno.socket.end()
    expect(await client.untilClosed()).toBe('rendezvous\r\nbye')
  })

  it('does not flood whoever reads slowly', async () => {
    await using router = await startTlsRouter(identity, {})
    const client = await RawClient.connectTls(router.tlsPort)
    client.send(`${token}\r\n`)
    const dyno = await firstArrival(router.rendezvous)
    dyno.socket.pause()
    const piece = 'x'.repeat(65_536)
    let sent = 0
    const fill = (): void => {
      while (sent < 50_000_000) {
        sent += piece.length
        if (!client.socket.write(piece)) return void client.socket.once('drain', fill)
      }
    }
    fill()
    await settled(() => sent, router.port)
    expect(sent).toBeLessThan(20_000_000)
    client.socket.destroy()
    dyno.socket.resume()
    await once(dyno.socket, 'end')
  })

  it('is closed when nobody serves one-off dynos, and above the number there may be', async () => {
    const limits = { rendezvous: { connections: 1, idle: 60_000 } }
    await using router = await startTlsRouter(identity, { limits })
    using first = await RawClient.connectTls(router.tlsPort)
    first.send(`${token}\r\n`)
    const dyno = await firstArrival(router.rendezvous)
    using second = await RawClient.connectTls(router.tlsPort)
    expect(await second.send(`${token}\r\n`).untilClosed()).toBe('')
    dyno.socket.destroy()
    await first.untilClosed()
  })

  it('is closed when nothing is said for too long', async () => {
    await using router = await startTlsRouter(identity, { limits: { rendezvous: { connections: 1, idle: 200 } } })
    using client = await RawClient.connectTls(router.tlsPort)
    expect(await client.send(`${token}\r\n`).untilClosed()).toBe('')
  })

  it.each([
    ['too short', `${token.slice(1)}\r\n\r\n`],
    ['too long', `${'a'.repeat(129)}\r\n\r\n`],
    ['with other characters', `${token}=\r\n\r\n`],
  ])('%s is answered as a malformed request', async (_, line) => {
    await using router = await startTlsRouter(identity, {})
    using client = await RawClient.connectTls(router.tlsPort)
    expect(statusOf(await client.send(line).untilClosed())).toBe(400)
    expect(router.rendezvous).toEqual([])
  })

  it('that never ends is closed', async () => {
    await using router = await startTlsRouter(identity, { limits: { head: 300 } })
    using client = await RawClient.connectTls(router.tlsPort)
    expect(statusOf(await client.send(token).untilClosed())).toBe(408)
  })

  it('without TLS is answered as a malformed request', async () => {
    await using router = await startTlsRouter(identity, {})
    expect(statusOf(await talk(router.port, `${token}\r\n\r\n`))).toBe(400)
  })
})

const tlsTo = (port: number, host = 'app.test') => ({
  port,
  host: '127.0.0.1',
  servername: host,
  headers: { host },
  ca: authority.certificate,
  agent: false as const,
})

async function ask(port: number): Promise<unknown> {
  const outgoing = request(tlsTo(port)).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return JSON.parse(await text(response))
}

async function firstArrival(sockets: import('node:net').Socket[]): Promise<RawClient> {
  while (sockets.length === 0) await new Promise((wake) => setTimeout(wake, 5))
  return new RawClient(sockets[0]!)
}
