import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TlsIdentity } from '../../../src/router/tls/identity.ts'
import { startApp, startRawApp } from '../helpers/apps.ts'
import { answerOf, Http2Client } from '../helpers/http2-client.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { route, startRouter } from '../helpers/router.ts'
import { startTlsRouter, testIdentity } from '../helpers/tls-router.ts'

let identity: TlsIdentity

beforeAll(async () => {
  ;({ identity } = await testIdentity())
})

describe('a request over HTTP/2', () => {
  it('reaches the app as one of HTTP/1.1, and is logged as such', async () => {
    await using app = await startApp((req, res) => {
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.end(JSON.stringify({ url: req.url, version: req.httpVersion, ...req.headers }))
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const cookie = ['one=1', 'two=2']
    const answer = await client.ask({ ':path': '/a?b', cookie, 'x-forwarded-for': '192.0.2.1', te: 'trailers' })
    expect(answer).toMatchObject({ status: 200, headers: { via: '1.1 paas', 'set-cookie': ['a=1', 'b=2'] } })
    expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(['connection', 'keep-alive']))
    const got = JSON.parse(answer.body) as Record<string, string>
    expect(got).toMatchObject({
      url: '/a?b',
      version: '1.1',
      host: 'app.test',
      cookie: 'one=1; two=2',
      via: '2 paas',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': String(router.tlsPort),
    })
    expect(got).not.toHaveProperty('te')
    expect(router.lines).toEqual([
      expect.stringMatching(
        /^at=info method=GET path="\/a\?b" host=app.test request_id=\S+ fwd="127.0.0.1" dyno=web.1 .* status=200 bytes=\d+ protocol=https$/,
      ),
    ])
  })

  it('has an answer whose trailers and hints are named after what every object has', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nconstructor: 0\r\n\r\n'
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    const end = '2\r\nok\r\n0\r\nconstructor: 1\r\n__proto__: 2\r\nlast: 3\r\n\r\n'
    await using app = await startRawApp((socket) => socket.write(early + head + end))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const answer = await client.ask()
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(answer.trailers).toMatchObject({ constructor: '1', last: '3' })
  })

  it('for a WebSocket has no key of its own, wherever in the head', async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const head = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https' }
    for (const before of [{}, { 'x-before': 'y' }]) {
      const stream = client.open({ ...head, ...before, 'sec-websocket-key': 'a' }, true)
      expect(await answerOf(stream)).toMatchObject({ status: 400 })
    }
  })

  it('shares its connection with others, whose answers come in any order', async () => {
    const { promise: later, resolve } = Promise.withResolvers<void>()
    await using app = await startApp((req, res) => {
      if (req.url === '/first') void later.then(() => res.end('first'))
      else res.end('second')
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const first = client.ask({ ':path': '/first' })
    expect((await client.ask({ ':path': '/second' })).body).toBe('second')
    resolve()
    expect((await first).body).toBe('first')
    expect(router.router.connections).toBe(1)
  })

  it('carries bodies of any size both ways, and waits where one is not read', async () => {
    await using app = await startApp((req, res) => void req.pipe(res))
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const body = Buffer.alloc(5_000_000, 'abcdefgh')
    for (const length of [{}, { 'content-length': String(body.length) }]) {
      const answer = await client.ask({ ':method': 'POST', ...length }, body)
      expect(answer.body.length).toBe(body.length)
      expect(answer.headers['content-length']).toBeUndefined()
    }
  })

  it.each([
    ['GET', 200, 'the body'],
    ['HEAD', 200, ''],
    ['OPTIONS', 204, ''],
  ])('of the method %s gets %i', async (method, status, body) => {
    await using app = await startApp((_, res) => {
      res.writeHead(status, status === 200 ? { 'content-length': '8' } : {})
      res.end('the body')
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    expect(await client.ask({ ':method': method })).toMatchObject({ status, body })
  })

  it('has trailers both ways', async () => {
    await using app = await startApp((req, res) => {
      res.setHeader('Trailer', 'X-End')
      req.resume()
      req.on('end', () => {
        res.write('body')
        res.addTrailers({ 'X-End': `after ${req.trailers['x-sum']}` })
        res.end()
      })
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const head = { ':method': 'POST', ':path': '/', ':authority': 'app.test' }
    const stream = client.session.request(head, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.end('data')
    expect(await answerOf(stream)).toMatchObject({ body: 'body', trailers: { 'x-end': 'after 42' } })
  })

  it('gets the answer of the router itself when there is no app, or nothing of it runs', async () => {
    await using router = await startTlsRouter(identity, { routes: [route([], { state: 'crashed' })] })
    using client = await Http2Client.connect(router.tlsPort)
    expect(await client.ask({ ':authority': 'nobody.test' })).toMatchObject({ status: 404 })
    const answer = await client.ask({ accept: 'application/json' })
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(JSON.parse(answer.body)).toMatchObject({ id: 'H10' })
    expect(router.lines[0]).toMatch(/^at=error code=H10 desc="App crashed" method=GET path="\/" host=app.test/)
  })

  it('is refused where its host is not that of the handshake', async () => {
    await using router = await startTlsRouter(identity, { routes: [route([])] })
    using client = await Http2Client.connect(router.tlsPort, 'other.test')
    expect(await client.ask()).toMatchObject({ status: 421 })
    expect(router.lines).toEqual([expect.stringMatching(/^at=error code=H31 .* status=421/)])
  })

  it('is told that its app broke off by the end of its stream alone', async () => {
    await using app = await startRawApp((socket, data) => {
      if (data.includes('/short')) socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n')
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open({ ':path': '/short' })
    const isBroken = once(stream, 'error')
    stream.resume()
    expect(await isBroken).toMatchObject([{ message: 'Stream closed with error code NGHTTP2_INTERNAL_ERROR' }])
    expect((await client.ask()).body).toBe('ok')
    expect(router.lines[0]).toMatch(/^at=error code=H18/)
  })

  it('is over at the app when its client takes it back', async () => {
    const { promise: left, resolve } = Promise.withResolvers<void>()
    const { promise: came, resolve: arrive } = Promise.withResolvers<void>()
    await using app = await startApp((req) => {
      arrive()
      req.on('close', resolve)
    })
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open()
    await came
    stream.close(8)
    await left
    await expect.poll(() => router.lines[0]).toMatch(/^at=warning code=H27 .* status=499/)
  })
})

describe('answers before the answer', () => {
  /** It sends an early hint at once, and 100 (Continue) when it is asked for. */
  const hinting = (): ReturnType<typeof startApp> =>
    startApp((req, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      void text(req).then((body) => res.end(`got ${body}`))
    })

  it('pass through over HTTP/2', async () => {
    await using app = await hinting()
    await using router = await startTlsRouter(identity, { routes: [route([app])] })
    using client = await Http2Client.connect(router.tlsPort)
    const stream = client.open({ ':method': 'POST', expect: '100-continue' }, true)
    const statuses: unknown[] = []
    stream.on('headers', (fields) => statuses.push(fields[':status'], fields['link']))
    await once(stream, 'continue')
    stream.end('it')
    expect(await answerOf(stream)).toMatchObject({ status: 200, body: 'got it' })
    expect(statuses).toEqual([100, undefined, 103, '</a.css>; rel=preload'])
  })

  it('pass through over HTTP/1.1', async () => {
    await using app = await hinting()
    await using router = await startRouter({ routes: [route([app])] })
    const headers = { host: 'app.test', expect: '100-continue' }
    const outgoing = request({ port: router.port, method: 'POST', headers })
    const hints: unknown[] = []
    outgoing.on('information', ({ statusCode, headers: { link } }) => hints.push(statusCode, link))
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end('it')
    const [answer] = await once(outgoing, 'response')
    expect(await text(answer)).toBe('got it')
    expect(hints).toEqual([100, undefined, 103, '</a.css>; rel=preload'])
  })
})

describe('HTTP/2 turned off', () => {
  it('is not offered', async () => {
    await using app = await startApp((_, res) => res.end('served'))
    await using router = await startTlsRouter(identity, { routes: [route([app])], http2: false })
    using client = await RawClient.connectTls(router.tlsPort, { ALPNProtocols: ['h2', 'http/1.1'] })
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 [^]*served/)
  })
})
