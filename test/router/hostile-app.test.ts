import type { Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startRawApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

afterEach(() => void vi.useRealTimers())

const get = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n'
const getAndClose = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'

describe('an app whose answer is not HTTP', () => {
  it.each([
    ['a banner', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['a banner that waits for an answer', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a page without a head, as HTTP/0.9 had it', '<!doctype html>hello'],
    ['bare LF line ends', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['a bare LF among CRLFs', 'HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n'],
    ['HTTP/2', 'HTTP/2 200 OK\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc'],
    ['a split response', 'HTTP/1.1 200 OK\r\nLocation: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n'],
    ['101 without being asked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(12_000)}`],
    ['endless interim responses', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(200)],
  ])('%s: gives H17', async (_, answer) => {
    await using app = await startRawApp((socket) => socket.write(answer, 'latin1'))
    await using router = await startRouter({ routes: [route([app])] })
    const text = (await talk(router.port, getAndClose)).replace(/^(HTTP\/1\.1 103 Early Hints\r\n\r\n)+/, '')
    expect(statusOf(text)).toBe(503)
    expect(router.lines).toEqual([
      expect.stringMatching(/^at=error code=H17 desc="Poorly formatted HTTP response" method=GET .* status=503 /),
    ])
  })

  it('gives H13 when it closes without one', async () => {
    await using app = await startRawApp((socket) => socket.end())
    await using router = await startRouter({ routes: [route([app])] })
    expect(statusOf(await talk(router.port, getAndClose))).toBe(503)
    expect(router.lines[0]).toMatch(/code=H13/)
  })
})

describe('an app that breaks off its answer', () => {
  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('with %s: breaks off the client too, and never looks complete', async (_, answer) => {
    await using app = await startRawApp((socket) => socket.end(answer))
    await using router = await startRouter({ routes: [route([app])] })
    const text = await talk(router.port, get)
    expect(text).toMatch(/abc(\r\n)?$/)
    expect(router.lines[0]).toMatch(/code=H18/)
  })

  it('with a malformed chunk: likewise', async () => {
    await using app = await startRawApp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxx\r\n'),
    )
    await using router = await startRouter({ routes: [route([app])] })
    expect(await talk(router.port, get)).toMatch(/abc(\r\n)?$/)
    expect(router.lines[0]).toMatch(/code=H17/)
  })
})

it('an answer that comes byte by byte is served as any other', async () => {
  const drip = async (socket: Socket): Promise<void> => {
    for (const byte of 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') {
      socket.write(byte)
      await new Promise((wake) => setImmediate(wake))
    }
  }
  await using app = await startRawApp((socket) => void drip(socket))
  await using router = await startRouter({ routes: [route([app])] })
  expect(await talk(router.port, getAndClose)).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nok$/)
})

describe('an app that answers an upload before it is there, and closes', () => {
  const upload = 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000000\r\n\r\n'
  const piece = 'x'.repeat(1_000_000)
  const answer = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nless'

  it('is heard, though sending it more of the upload failed before its answer was read', async () => {
    await using app = await startRawApp((socket) => {
      socket.pause()
      // The router is woken by the client first, and what it sends on meets a connection that the app has reset.
      setTimeout(() => {
        client.send(piece)
        socket.write(answer)
        socket.destroy()
      }, 50)
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(upload + piece)
    const text = await client.untilClosed()
    expect(statusOf(text)).toBe(413)
    expect(text).toMatch(/\r\n\r\nless$/)
    expect(router.lines).toEqual([expect.stringMatching(/^at=info .* status=413 bytes=4 /)])
  })

  it('is heard whenever it says it', async () => {
    let bytes = 0
    await using app = await startRawApp((socket, data) => {
      if ((bytes += data.length) < 100_000) return
      bytes = 0
      socket.write(answer)
      socket.destroy()
    })
    await using router = await startRouter({ routes: [route([app])] })
    for (let i = 0; i < 20; i++) {
      using client = await RawClient.connect(router.port)
      client.send(upload)
      const timer = setInterval(() => client.send(piece), 1)
      expect(statusOf(await client.until(/less$/))).toBe(413)
      clearInterval(timer)
    }
  })

  it('gives H13 when it closes without an answer', async () => {
    await using app = await startRawApp((socket) => socket.destroy())
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(upload + piece)
    await client.until(/^HTTP\/1\.1 503 [^]*H13/)
    expect(router.lines).toEqual([expect.stringMatching(/code=H13 .* status=503 /)])
  })
})

describe('bytes that no request asked for', () => {
  it('after an answer are given to nobody', async () => {
    await using app = await startRawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(get)
    await client.until(/ok$/)
    client.send(get)
    await client.untilCount('\r\n\r\nok', 2)
    expect(client.received).not.toContain('evil')
    expect(app.sockets).toHaveLength(2)
  })

  it('on an idle connection are given to nobody', async () => {
    await using app = await startRawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(get)
    await client.until(/ok$/)
    const idle = app.sockets[0]!
    vi.useFakeTimers({ toFake: ['performance'] }) // so that no kept connection is closed for its age
    const closed = new Promise((resolve) => idle.once('close', resolve))
    idle.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await closed
    vi.useRealTimers()
    client.send(get)
    await client.untilCount('\r\n\r\nok', 2)
    expect(client.received).not.toContain('evil')
  })

  it('never reach another app', async () => {
    await using evil = await startRawApp((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    )
    await using good = await startRawApp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'))
    const other = route([good], { appId: 'app-2' as never, app: 'other', hosts: ['other.test'] })
    await using router = await startRouter({ routes: [route([evil]), other] })
    for (let i = 0; i < 20; i++) {
      await talk(router.port, getAndClose)
      expect(await talk(router.port, getAndClose.replace('app.test', 'other.test'))).toMatch(/\r\n\r\ngood$/)
    }
  })
})

describe('an app that takes long', () => {
  const limits = { app: { connect: 300, firstByte: 300, idle: 300 } }

  it('to begin its answer gives H12, and its connection is closed', async () => {
    await using app = await startRawApp(() => undefined)
    await using router = await startRouter({ routes: [route([app])], limits })
    expect(statusOf(await talk(router.port, getAndClose))).toBe(503)
    expect(router.lines[0]).toMatch(
      /^at=error code=H12 desc="Request timeout" .* connect=\d+ms service=\d+ms status=503 bytes=0 protocol=http$/,
    )
    if (!app.sockets[0]!.closed) await new Promise((resolve) => app.sockets[0]!.once('close', resolve))
  })

  it('in the middle of its answer is broken off with H15', async () => {
    await using app = await startRawApp((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'))
    await using router = await startRouter({ routes: [route([app])], limits })
    expect(await talk(router.port, getAndClose)).toMatch(/abc$/)
    expect(router.lines[0]).toMatch(/code=H15/)
  })

  it('but says something now and then is left alone', async () => {
    await using app = await startRawApp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
      let said = 0
      const timer = setInterval(() => {
        socket.write('x')
        if (++said === 10) clearInterval(timer)
      }, 250)
    })
    await using router = await startRouter({ routes: [route([app])], limits: { app: { ...limits.app, idle: 1_500 } } })
    expect(await talk(router.port, getAndClose)).toMatch(/x{10}$/)
  })
})
