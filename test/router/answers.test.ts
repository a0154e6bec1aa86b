import { describe, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import type { AppRoute } from '../../src/model/route.ts'
import { refusingPort, startApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const get = (port: number, host = 'app.test', ...lines: string[]) =>
  talk(port, ['GET /secret-path HTTP/1.1', `Host: ${host}`, 'Connection: close', ...lines, '', ''].join('\r\n'))

describe('the router itself answers', () => {
  it('an unknown host with 404', async () => {
    await using router = await startRouter()
    const text = await get(router.port, 'nope.test')
    expect(statusOf(text)).toBe(404)
    expect(text).toMatch(/There is no app at this URL\./)
  })

  const states: [AppRoute['state'], string][] = [
    ['blank', 'at=info code=H81 desc="Blank app"'],
    ['down', 'at=error code=H14 desc="No web processes running"'],
    ['crashed', 'at=error code=H10 desc="App crashed"'],
    ['maintenance', 'at=info code=H80 desc="Maintenance mode"'],
  ]
  it.each(states)('for an app that is %s: %s', async (state, line) => {
    await using router = await startRouter({ routes: [route([], { state })] })
    const text = await get(router.port)
    expect(statusOf(text)).toBe(503)
    expect(text).toMatch(new RegExp(/code=(H\d\d)/.exec(line)![1]!))
    expect(router.lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${line} method=GET path="/secret-path" host=app.test request_id=[0-9a-f-]{36} fwd="127.0.0.1" dyno= connect= service= status=503 bytes=0 protocol=http$`,
        ),
      ),
    ])
  })

  it('H21 when every dyno refuses the connection', async () => {
    await using router = await startRouter({
      routes: [route([{ port: refusingPort }, { port: refusingPort + 1 }])],
    })
    expect(statusOf(await get(router.port))).toBe(503)
    expect(router.lines).toEqual([expect.stringMatching(/code=H21 desc="Backend connection refused"/)])
  })

  it('H99 when the api does not run, after waiting for it', async () => {
    await using router = await startRouter({ limits: { control: { connect: 300, firstByte: 1000, idle: 1000 } } })
    const text = await get(router.port, 'paas.test')
    expect(statusOf(text)).toBe(503)
    expect(text).toMatch(/H99/)
  })

  it('with a page for browsers, JSON or plain text for others, and nothing of the request in it', async () => {
    await using router = await startRouter({ routes: [route([], { state: 'crashed' })] })
    const browser = await get(router.port, 'app.test', 'Accept: text/html,application/xhtml+xml,*/*;q=0.8')
    expect(browser).toMatch(/Content-Type: text\/html; charset=utf-8\r\n[^]*<h1>App crashed \(H10\)<\/h1>/)
    const client = await get(router.port, 'app.test', 'Accept: application/vnd.heroku+json; version=3')
    expect(JSON.parse(client.slice(client.indexOf('\r\n\r\n')))).toEqual({ id: 'H10', message: expect.any(String) })
    const curl = await get(router.port, 'app.test', 'Accept: */*')
    expect(curl).toMatch(/Content-Type: text\/plain; charset=utf-8\r\n[^]*App crashed \(H10\)\. .*\n$/)
    for (const text of [browser, client, curl]) expect(text).not.toMatch(/secret-path|app\.test/)
  })

  it('HEAD without a body', async () => {
    await using router = await startRouter()
    const text = await talk(router.port, 'HEAD / HTTP/1.1\r\nHost: nope.test\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 404 [^]*Content-Length: [1-9]\d*\r\n[^]*\r\n\r\n$/)
  })

  it('and keeps the connection when the request is complete', async () => {
    await using router = await startRouter()
    using client = await RawClient.connect(router.port)
    for (let i = 1; i <= 3; i++) {
      client.send('GET / HTTP/1.1\r\nHost: nope.test\r\n\r\n')
      await client.untilCount('There is no app', i)
    }
    expect(client.closed).toBe(false)
  })
})

describe('a request that the router refuses', () => {
  const host = 'Host: app.test\r\n'
  it.each([
    [
      'a malformed field',
      400,
      `GET /a HTTP/1.1\r\n${host}X-A : b\r\n\r\n`,
      'a header line is malformed, or there are too many',
    ],
    [
      'another coding',
      400,
      `GET /a HTTP/1.1\r\n${host}Transfer-Encoding: gzip\r\n\r\n`,
      'Transfer-Encoding is not exactly \\"chunked\\"',
    ],
    ['a bare LF', 400, `GET /a HTTP/1.1\nhost:app.test\n`, 'a line of its head ends with LF alone'],
    [
      'a malformed chunk',
      400,
      `GET /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nx\r\n`,
      'a chunk of its body is malformed',
    ],
    [
      'a long target',
      414,
      `GET /a${'x'.repeat(16_384)} HTTP/1.1\r\n${host}\r\n`,
      'the target is longer than 16384 bytes',
    ],
    [
      'another expectation',
      417,
      `GET /a HTTP/1.1\r\n${host}Expect: 200\r\n\r\n`,
      'the only supported expectation is 100-continue',
    ],
    ['a long head', 431, `GET /a HTTP/1.1\r\n${host}X: ${'x'.repeat(66_000)}`, 'its head is longer than 65536 bytes'],
    ['HTTP/2', 505, `GET /a HTTP/2.0\r\n${host}\r\n`, 'only HTTP/1.0 and HTTP/1.1 are supported'],
  ])('for %s appears in the log of the app that its Host names', async (_, status, request, reason) => {
    await using app = await startApp((req) => void req.resume())
    await using router = await startRouter({ routes: [route([app])] })
    const answer = await talk(router.port, request)
    expect(statusOf(answer)).toBe(status)
    const id = /^X-Request-Id: (.*)\r$/m.exec(answer)?.[1]
    const [line] = router.lines
    expect(router.lines).toHaveLength(1)
    expect(line).toContain(`at=warning desc="Refused: ${reason}" method=GET path="/a`)
    expect(line).toContain(`host=app.test request_id=${id} fwd="127.0.0.1" dyno=`)
    expect(line).toContain(` status=${status} bytes=0 protocol=http`)
    expect(router.router.measurements.minute('app-1' as AppId)?.requests.statuses[Math.floor(status / 100) - 1]).toBe(1)
  })

  it('because its head does not come appears there too', async () => {
    await using router = await startRouter({ routes: [route([])], limits: { head: 100 } })
    await talk(router.port, 'GET /a HTTP/1.1\r\nHost: app.test\r\nX: ')
    expect(router.lines).toEqual([
      expect.stringMatching(/desc="Refused: its head did not arrive in time" .*status=408/),
    ])
  })

  it('takes no time that grows with the square of its blanks', async () => {
    await using router = await startRouter({ routes: [route([])] })
    const blanks = ' '.repeat(60_000)
    expect(statusOf(await talk(router.port, `GET /a HTTP/1.1\r\nHost:${blanks}a\r\r\n\r\n`))).toBe(400)
    expect(statusOf(await talk(router.port, `GET /a HTTP/1.1\r\nX-A : b\r\nHost: app.test${blanks}\r\n\r\n`))).toBe(400)
    expect(router.lines).toHaveLength(1)
  })

  it('appears nowhere when it names no app', async () => {
    await using router = await startRouter({ routes: [route([])] })
    for (const host of ['', 'Host: \r\n', 'Host: nope.test\r\n', 'Host: a b\r\n', 'Host: paas.test\r\n']) {
      expect(statusOf(await talk(router.port, `GET /a HTTP/1.1\r\n${host}X-A : b\r\n\r\n`))).toBe(400)
    }
    expect(router.lines).toEqual([])
  })
})

describe('a dyno that refuses the connection', () => {
  it('is passed over, and asked last for a while', async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    await using router = await startRouter({ routes: [route([{ port: refusingPort }, app])] })
    for (let i = 0; i < 10; i++) expect(statusOf(await get(router.port))).toBe(200)
    expect(router.lines.every((line) => line.includes('dyno=web.2'))).toBe(true)
  })
})

describe('several dynos', () => {
  it('share the requests: the one with the fewest in flight is next', async () => {
    const held: (() => void)[] = []
    await using first = await startApp((_, res) => void held.push(() => res.end('first')))
    await using second = await startApp((_, res) => void held.push(() => res.end('second')))
    await using router = await startRouter({ routes: [route([first, second])] })
    const answers = [1, 2, 3, 4].map(() => get(router.port))
    while (held.length < 4) await new Promise((resolve) => setImmediate(resolve))
    for (const answer of held) answer()
    const texts = await Promise.all(answers)
    expect(texts.filter((text) => text.includes('first'))).toHaveLength(2)
    expect(texts.filter((text) => text.includes('second'))).toHaveLength(2)
  })
})

describe('the log line of a request', () => {
  it('has Heroku’s form, and quotes in the path do not end it', async () => {
    await using app = await startApp((_, res) => res.end('hello'))
    await using router = await startRouter({ routes: [route([app])] })
    await talk(
      router.port,
      'GET /?a="b\\ HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nX-Request-Id: aaaaaaaaaaaaaaaaaaaa\r\n\r\n',
    )
    expect(router.lines).toEqual([
      expect.stringMatching(
        /^at=info method=GET path="\/\?a=\\"b\\\\" host=app\.test request_id=a{20} fwd="127\.0\.0\.1" dyno=web\.1 connect=\d+ms service=\d+ms status=200 bytes=5 protocol=http$/,
      ),
    ])
  })
})
