import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp, type TestApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

let app: TestApp
let router: TestRouter
const reached: string[] = []

beforeAll(async () => {
  app = await startApp((req, res) => {
    reached.push(req.url ?? '')
    req.resume()
    req.on('end', () => res.end('ok'))
  })
  router = await startRouter({ routes: [route([app])] })
})

afterAll(async () => {
  await router[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

/** Each of these, followed by a second request, must be refused as a whole: nothing of it reaches the app. */
const ambiguous: [string, string][] = [
  ['two Host headers', 'GET / HTTP/1.1\r\nHost: app.test\r\nHost: other.test\r\n\r\n'],
  ['a Host with a blank', 'GET / HTTP/1.1\r\nHost: app.test other.test\r\n\r\n'],
  ['a Host with @', 'GET / HTTP/1.1\r\nHost: other.test@app.test\r\n\r\n'],
  ['an absolute target that disagrees with Host', 'GET http://other.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  ['# in the target', 'GET /#/../admin HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  [
    'HTTP/1.0 with Transfer-Encoding',
    'POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['Connection: X-Forwarded-For', 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close, X-Forwarded-For\r\n\r\n'],
  [
    'Content-Length with Transfer-Encoding',
    'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'Transfer-Encoding with Content-Length',
    'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  ],
  ['two Content-Lengths', 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello'],
  ['a hidden Transfer-Encoding', 'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
  [
    'Transfer-Encoding after a bare LF',
    'POST / HTTP/1.1\r\nHost: app.test\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  [
    'a folded Transfer-Encoding',
    'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n',
  ],
  ['Transfer-Encoding: identity', 'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: identity\r\n\r\n'],
  ['a quoted coding', 'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'],
  [
    'a vertical tab before chunked',
    'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n',
  ],
  ['bare LF line ends', 'GET / HTTP/1.1\nHost: app.test\n\n\r\n\r\n'],
  ['a NUL', 'GET / HTTP/1.1\r\nHost: app.test\r\nX: a\0b\r\n\r\n'],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
]

describe('a request that could be read in two ways', () => {
  it.each(ambiguous)('%s: is refused and its connection closed', async (_, text) => {
    reached.length = 0
    const before = router.router.counters.refusedRequests
    const answer = await talk(router.port, `${text}GET /second HTTP/1.1\r\nHost: app.test\r\n\r\n`)
    expect(statusOf(answer)).toBeGreaterThanOrEqual(400)
    expect(statusOf(answer)).toBeLessThan(506)
    expect(answer).toMatch(/\r\nConnection: close\r\n/)
    expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1)
    expect(reached).toEqual([])
    expect(router.router.counters.refusedRequests).toBe(before + 1)
  })
})

describe('a chunked request', () => {
  const head = 'POST /upload HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n'

  it.each([
    ['a sign', '+5\r\nhello\r\n0\r\n\r\n'],
    ['0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF', '5\nhello\r\n0\r\n\r\n'],
    ['a bare LF in an extension', '5;\nhello\r\n0\r\n\r\n'],
    ['too much data', '3\r\nhello\r\n0\r\n\r\n'],
    ['an overflowing size', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ])('with %s in its framing is refused', async (_, body) => {
    const answer = await talk(router.port, `${head}${body}GET /second HTTP/1.1\r\nHost: app.test\r\n\r\n`)
    expect(statusOf(answer)).toBe(400)
    expect(reached).not.toContain('/second')
  })

  it('that turns out malformed later is refused, and the app sees it broken off', async () => {
    using client = await RawClient.connect(router.port)
    client.send(`${head}5\r\nhello\r\n`)
    await new Promise((resolve) => app.server.once('request', (req) => req.once('data', resolve)))
    client.send('zz\r\n')
    expect(statusOf(await client.untilClosed())).toBe(400)
  })

  it('may have extensions, which are not passed on', async () => {
    const text = `${head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}5;a="b"\r\nhello\r\n0\r\n\r\n`
    expect(statusOf(await talk(router.port, text))).toBe(200)
  })
})

describe('a head', () => {
  it('with bare LF line ends is refused as soon as one is there', async () => {
    using client = await RawClient.connect(router.port)
    client.send('GET / HTTP/1.1\nHost: app.test\n\n')
    expect(statusOf(await client.untilClosed())).toBe(400)
  })

  it('of up to 64 KiB is accepted, a larger one refused with 431', async () => {
    const get = (size: number) =>
      talk(
        router.port,
        `GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nRequest-Id: ${'x'.repeat(size)}\r\n\r\n`,
      )
    app.server.maxHeadersCount = 0
    expect(statusOf(await get(12_000))).toBe(200)
    expect(statusOf(await get(65_536))).toBe(431)
  })

  it('that never ends is refused as soon as it is too large', async () => {
    using client = await RawClient.connect(router.port)
    client.send(`GET / HTTP/1.1\r\nHost: app.test\r\n${'X: y\r\n'.repeat(11_000)}`)
    expect(statusOf(await client.untilClosed())).toBe(431)
  })
})
