import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startApp, startRawApp, type TestApp } from './helpers/apps.ts'
import { RawClient, settled, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

afterEach(() => void vi.useRealTimers())

let app: TestApp
let router: TestRouter

/** Echoes what it got; with a path it does what the path says. */
beforeAll(async () => {
  app = await startApp((req, res) => {
    if (req.url === '/hash') {
      const hash = createHash('sha256')
      req.pipe(hash).on('finish', () => res.end(hash.digest('hex')))
    } else if (req.url === '/hints') {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' })
      res.end('hinted')
    } else if (req.url === '/trailers') {
      res.writeHead(200, { trailer: 'X-Sum' })
      res.write('body')
      res.addTrailers({ 'X-Sum': '9', 'Set-Cookie': 'a=b' })
      res.end()
    } else if (req.url === '/empty') res.writeHead(204).end()
    else if (req.url === '/refuse') res.writeHead(413, { connection: 'close' }).end('too large')
    else {
      let body = ''
      req.on('data', (data) => (body += data))
      req.on('end', () => {
        const { method, url, rawHeaders, rawTrailers } = req
        res.setHeader('X-App_Name', 'echo')
        res.end(JSON.stringify({ method, url, headers: pairs(rawHeaders), trailers: pairs(rawTrailers), body }))
      })
    }
  })
  router = await startRouter({ routes: [route([app])] })
})

afterAll(async () => {
  await router[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

const pairs = (raw: string[]) => raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : []))
const headersSeen = async (...lines: string[]): Promise<string[]> => {
  const text = await talk(
    router.port,
    ['GET / HTTP/1.1', 'Host: app.test', 'Connection: close', ...lines, '', ''].join('\r\n'),
  )
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).headers
}

async function ask(options: {
  path?: string
  method?: string
  headers?: Record<string, string>
  body?: Buffer
  agent?: Agent | false
}) {
  const { body, headers, ...rest } = options
  const outgoing = request({ port: router.port, agent: false, ...rest, headers: { host: 'app.test', ...headers } })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, trailers: response.trailers, text }
}

describe('a request to an app', () => {
  it('arrives with its method, target, fields and body', async () => {
    const { status, text, headers } = await ask({
      method: 'PATCH',
      path: '/a//b?c=%20d',
      headers: { 'x-a': 'b' },
      body: Buffer.from('hello'),
    })
    const seen = JSON.parse(text)
    expect(status).toBe(200)
    expect(seen).toMatchObject({ method: 'PATCH', url: '/a//b?c=%20d', body: 'hello' })
    expect(seen.headers).toContain('x-a: b')
    expect(seen.headers).toContain('Content-Length: 5')
    expect(headers['x-app_name']).toBe('echo')
    expect(headers['via']).toBe('1.1 paas')
  })

  it('carries where it came from, whatever the client says about that', async () => {
    const before = Date.now()
    const seen = await headersSeen(
      'X-Forwarded-For: 6.6.6.6',
      'x-forwarded-proto: https',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Prefix: /evil',
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'Proxy: http://evil.test',
      'X-Request-Start: 1',
      'Via: 1.0 before',
    )
    expect(seen.join('\n')).not.toMatch(/6\.6\.6\.6|evil|https/)
    expect(seen).toContain('X-Forwarded-For: 127.0.0.1')
    expect(seen).toContain('X-Forwarded-Proto: http')
    expect(seen).toContain(`X-Forwarded-Port: ${router.port}`)
    expect(seen.filter((line) => line.startsWith('Via'))).toEqual(['Via: 1.0 before', 'Via: 1.1 paas'])
    const start = Number(seen.find((line) => line.startsWith('X-Request-Start: '))?.slice(17))
    expect(start).toBeGreaterThanOrEqual(before)
    expect(start).toBeLessThanOrEqual(Date.now())
  })

  it('carries names with _, but none that a CGI-like server reads as one that the router writes', async () => {
    const seen = await headersSeen(
      'X_Api_Key: kept',
      'api_key: kept too',
      'x_forwarded_for: 6.6.6.6',
      'X_Forwarded-Proto: 6.6.6.6',
      'X-Forwarded_Host: 6.6.6.6',
      'X_Real_IP: 6.6.6.6',
      'X-Request_Id: 6.6.6.6-6.6.6.6-6.6.6.6',
      'X_Request_Start: 6.6.6.6',
      'Content_Length: 6.6.6.6',
      'transfer_encoding: 6.6.6.6',
      'Proxy_Authorization: 6.6.6.6',
    )
    expect(seen.filter((line) => line.includes('kept'))).toEqual(['X_Api_Key: kept', 'api_key: kept too'])
    expect(seen.join('\n')).not.toContain('6.6.6.6')
  })

  it('keeps a valid X-Request-Id and gets a new one otherwise', async () => {
    const idOf = (seen: string[]) => seen.filter((line) => /^x-request-id/i.test(line)).map((line) => line.slice(14))
    const valid = '0123456789abcdef-0123+/='
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
    expect(idOf(await headersSeen(`X-Request-Id: ${valid}`))).toEqual([valid])
    for (const lines of [
      [],
      ['X-Request-Id: short'],
      [`X-Request-Id: ${valid}"`],
      [`X-Request-Id: ${valid}`, `X-Request-Id: ${valid}`],
    ]) {
      expect(idOf(await headersSeen(...lines))).toEqual([expect.stringMatching(uuid)])
    }
  })

  it('loses the fields that are for one hop', async () => {
    const seen = await headersSeen(
      'Connection: X-Hop, keep-alive',
      'X-Hop: 1',
      'Keep-Alive: 5',
      'TE: trailers',
      'Proxy-Connection: keep-alive',
      'X-Kept: 1',
    )
    expect(seen.join('\n')).not.toMatch(/x-hop|keep-alive|^te:|proxy-connection/im)
    expect(seen).toContain('X-Kept: 1')
  })

  it('that asks for h2c is served as HTTP/1.1', async () => {
    const text = await talk(
      router.port,
      'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n',
    )
    expect(statusOf(text)).toBe(200)
    expect(text).not.toMatch(/h2c|http2-settings/i)
  })
})

describe('a body', () => {
  it('of any size goes up as it comes, with a length or in chunks', async () => {
    const body = randomBytes(30_000_000)
    const hash = createHash('sha256').update(body).digest('hex')
    expect((await ask({ method: 'POST', path: '/hash', body })).text).toBe(hash)
    expect((await ask({ method: 'POST', path: '/hash', body, headers: { 'transfer-encoding': 'chunked' } })).text).toBe(
      hash,
    )
  })

  it('of any size comes down as it is, with a length, in chunks or until the app closes', async () => {
    const body = randomBytes(30_000_000)
    await using big = await startApp((req, res) => {
      if (req.url === '/length') res.setHeader('content-length', body.length)
      if (req.url === '/close') res.useChunkedEncodingByDefault = false
      res.end(body)
    })
    await using other = await startRouter({ routes: [route([big])] })
    for (const path of ['/length', '/chunked', '/close']) {
      const outgoing = request({ port: other.port, path, agent: false, headers: { host: 'app.test' } }).end()
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
      const hash = createHash('sha256')
      for await (const chunk of incoming) hash.update(chunk as Buffer)
      expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'))
    }
  })

  it('is passed on in both directions while it is still being made', async () => {
    await using talker = await startApp((req, res) => {
      res.flushHeaders()
      req.on('data', (data: Buffer) => res.write(data.toString().toUpperCase()))
      req.on('end', () => res.end('END'))
    })
    await using other = await startRouter({ routes: [route([talker])] })
    using client = await RawClient.connect(other.port)
    client.send('POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n')
    await client.until(/\r\n\r\n/)
    client.send('3\r\none\r\n')
    await client.until(/3\r\nONE\r\n$/)
    client.send('3\r\ntwo\r\n')
    await client.until(/3\r\nTWO\r\n$/)
    client.send('0\r\n\r\n')
    expect(await client.until(/END\r\n0\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it('is not mixed up with others, in whatever pieces they come and however slowly they are read', async () => {
    const letters = ['a', 'b', 'c', 'd']
    const given = new Map(letters.map((letter) => [letter, Promise.withResolvers<void>()]))
    await using app = await startRawApp((socket, data) => {
      const letter = /GET \/(.)/.exec(data)![1]!
      const answer = `HTTP/1.1 200 OK\r\nX-Letter: ${letter}\r\nContent-Length: 5000000\r\n\r\n${letter.repeat(5_000_000)}`
      let sent = 0
      const next = (): void => {
        // The head in pieces of 9 bytes, the body in large ones.
        const size = sent < 60 ? 9 : 500_000
        socket.write(answer.slice(sent, (sent += size)))
        if (sent < answer.length) setTimeout(next, 1)
        else given.get(letter)?.resolve()
      }
      next()
    })
    await using other = await startRouter({ routes: [route([app])] })
    await Promise.all(
      letters.map(async (letter) => {
        using client = await RawClient.connect(other.port)
        client.send(`GET /${letter} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`)
        client.socket.pause()
        await given.get(letter)?.promise
        client.socket.resume()
        const text = await client.untilClosed()
        expect(text.startsWith(`HTTP/1.1 200 OK\r\nX-Letter: ${letter}\r\n`)).toBe(true)
        expect(text.slice(text.indexOf('\r\n\r\n') + 4) === letter.repeat(5_000_000)).toBe(true)
      }),
    )
  })

  it('waits in the app, not in the router, when the client reads slowly', async () => {
    let written = 0
    await using fast = await startApp((_, res) => {
      const piece = Buffer.alloc(65_536)
      const fill = (): void => {
        while (!res.destroyed && written < 200_000_000) {
          written += piece.length
          if (!res.write(piece)) return void res.once('drain', fill)
        }
      }
      fill()
    })
    await using other = await startRouter({ routes: [route([fast])] })
    using client = await RawClient.connect(other.port)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await settled(() => written, router.port)
    expect(written).toBeLessThan(50_000_000)
  })

  it('waits in the client when the app reads slowly', async () => {
    await using slow = await startApp((req) => void req.pause())
    await using other = await startRouter({ routes: [route([slow])] })
    const outgoing = request({ port: other.port, method: 'POST', agent: false, headers: { host: 'app.test' } })
    outgoing.on('error', () => outgoing.destroy())
    let written = 0
    const piece = Buffer.alloc(65_536)
    const fill = (): void => {
      while (written < 200_000_000) {
        written += piece.length
        if (!outgoing.write(piece)) return void outgoing.once('drain', fill)
      }
    }
    fill()
    await settled(() => written, router.port)
    expect(written).toBeLessThan(50_000_000)
    outgoing.destroy()
  })

  it('may be refused before it is there', async () => {
    using client = await RawClient.connect(router.port)
    client.send('POST /refuse HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\nstart')
    const text = await client.untilClosed()
    expect(statusOf(text)).toBe(413)
    expect(text).toMatch(/^too large\r$/m)
  })

  it('is asked for with 100 Continue by the app', async () => {
    using client = await RawClient.connect(router.port)
    client.send('POST / HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    client.send('hi')
    expect(await client.until(/"body":"hi"/)).toMatch(/\r\nHTTP\/1\.1 200 OK\r\n/)
  })
})

describe('a response', () => {
  it('carries interim responses to HTTP/1.1 clients only', async () => {
    const get = (version: string) =>
      talk(router.port, `GET /hints HTTP/${version}\r\nHost: app.test\r\nConnection: close\r\n\r\n`)
    expect(await get('1.1')).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/i,
    )
    expect(await get('1.0')).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('carries trailers, but none that could pass for a header', async () => {
    const { text, trailers } = await ask({ path: '/trailers' })
    expect(text).toBe('body')
    expect(trailers).toEqual({ 'x-sum': '9' })
  })

  it('to HEAD has its length and no body', async () => {
    const text = await talk(router.port, 'HEAD / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/\r\n\r\n$/)
    expect(text).not.toMatch(/\{/)
  })

  it('204 has neither length nor chunks', async () => {
    const text = await talk(router.port, 'GET /empty HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    expect(text).not.toMatch(/content-length|transfer-encoding/i)
  })

  it('to HTTP/1.0 comes without chunks and ends with the connection', async () => {
    const text = await talk(router.port, 'GET /trailers HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n')
    expect(text).not.toMatch(/transfer-encoding/i)
    expect(text).toMatch(/Connection: close\r\n\r\nbody$/)
  })

  it('426 says which protocol the app wants: RFC 9110 section 15.5.22', async () => {
    await using picky = await startApp((_, res) =>
      res.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade, X-Hop', 'X-Hop': '1' }).end('websocket only'),
    )
    await using other = await startRouter({ routes: [route([picky])] })
    const ask = (connection: string) =>
      talk(other.port, `GET / HTTP/1.1\r\nHost: app.test\r\nConnection: ${connection}\r\nUpgrade: x\r\n\r\n`)
    for (const answer of [await ask('close'), await ask('Upgrade')]) {
      expect(answer).toMatch(/^HTTP\/1\.1 426 [^]*\r\nUpgrade: websocket\r\n[^]*websocket only/)
      expect(answer).toMatch(/\r\nConnection: close, Upgrade\r\n/)
      expect(answer).not.toMatch(/X-Hop/)
    }
  })

  it('with another status keeps Upgrade to the hop that it is for', async () => {
    await using app = await startApp((_, res) => res.writeHead(200, { Upgrade: 'h2c', Connection: 'Upgrade' }).end('x'))
    await using other = await startRouter({ routes: [route([app])] })
    const answer = await talk(other.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    expect(answer).not.toMatch(/upgrade|h2c/i)
  })

  it('gets a Date when the app gave none', async () => {
    await using bare = await startRawApp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    await using other = await startRouter({ routes: [route([bare])] })
    const text = await talk(other.port, 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$/m)
  })
})

describe('connections', () => {
  it('serve many requests, on both sides', async () => {
    const connections = new Set<number>()
    await using counting = await startApp((req, res) => {
      connections.add(req.socket.remotePort ?? 0)
      res.end('ok')
    })
    await using other = await startRouter({ routes: [route([counting])] })
    using client = await RawClient.connect(other.port)
    for (let i = 1; i <= 20; i++) {
      client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
      await client.untilCount('ok', i)
    }
    expect(connections.size).toBe(1)
  })

  it('serve pipelined requests in their order', async () => {
    using client = await RawClient.connect(router.port)
    const paths = ['/1', '/2', '/nope', '/3']
    client.send(
      paths
        .map(
          (path) =>
            `POST ${path} HTTP/1.1\r\nHost: ${path === '/nope' ? 'nope' : 'app'}.test\r\nContent-Length: ${path === '/nope' ? 0 : 2}\r\n\r\n${path === '/nope' ? '' : 'hi'}`,
        )
        .join(''),
    )
    const text = await client.until(/"url":"\/3"[^]*\}$/)
    expect(text.match(/"url":"\/\d"|HTTP\/1\.1 404/g)).toEqual([
      '"url":"/1"',
      '"url":"/2"',
      'HTTP/1.1 404',
      '"url":"/3"',
    ])
  })

  it('that the app closes while idle are not noticed by clients', async () => {
    await using hasty = await startApp((_, res) => res.end('ok'))
    hasty.server.keepAliveTimeout = 1
    await using other = await startRouter({ routes: [route([hasty])] })
    using client = await RawClient.connect(other.port)
    for (let i = 1; i <= 30; i++) {
      client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
      await client.untilCount('\r\n\r\nok', i)
      if (i % 3 === 0) hasty.server.closeIdleConnections()
    }
    expect(other.lines.every((line) => line.includes('status=200'))).toBe(true)
  })

  it('that the app closes under a request: what is safe is sent once more, the rest answered with H13', async () => {
    const seen: string[] = []
    await using app = await startRawApp((socket, data) => {
      const isFirst = !seen.some((line) => line.endsWith(` ${socket.remotePort}`))
      seen.push(`${data.slice(0, data.indexOf(' '))} ${socket.remotePort}`)
      if (isFirst) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else socket.destroy()
    })
    await using other = await startRouter({ routes: [route([app])] })
    const ask = (head: string) => talk(other.port, `${head}\r\nHost: app.test\r\nConnection: close\r\n\r\n`)
    expect(statusOf(await ask('GET / HTTP/1.1'))).toBe(200)
    expect(statusOf(await ask('GET / HTTP/1.1'))).toBe(200)
    expect(seen).toHaveLength(3)
    expect(statusOf(await ask('POST / HTTP/1.1'))).toBe(503)
    expect(seen).toHaveLength(4)
    expect(other.lines.at(-1)).toMatch(/code=H13/)
  })

  it('that have been idle for a second carry nothing that must not be sent twice', async () => {
    await using app = await startRawApp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    await using other = await startRouter({ routes: [route([app])] })
    const ask = (method: string) =>
      talk(other.port, `${method} / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`)
    await ask('POST')
    await ask('POST')
    expect(app.sockets).toHaveLength(1)
    vi.useFakeTimers({ toFake: ['performance'] })
    vi.advanceTimersByTime(1_100)
    await ask('GET')
    expect(app.sockets).toHaveLength(1)
    vi.advanceTimersByTime(1_100)
    await ask('POST')
    vi.useRealTimers()
    expect(app.sockets).toHaveLength(2)
  })

  it('to the app are closed when the client leaves', async () => {
    await using silent = await startApp((_, res) => void res.writeHead(200, { 'content-length': 100 }).write('first'))
    await using other = await startRouter({ routes: [route([silent])] })
    const arrived = once(silent.server, 'request')
    const client = await RawClient.connect(other.port)
    client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    const [incoming] = (await arrived) as [IncomingMessage]
    await client.until(/first/)
    client.socket.destroy()
    await once(incoming.socket, 'close')
    expect(other.lines.at(-1)).toMatch(/^at=warning code=H27 desc="Client Request Interrupted" .* status=499 bytes=5 /)
  })
})
