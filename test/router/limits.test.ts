import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { AppId } from '../../src/model/ids.ts'
import { startApp } from './helpers/apps.ts'
import { RawClient, statusOf, talk } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const get = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n'

/** Until a connection that says nothing is closed: `limits.keepAlive` has gone by for those opened before. */
async function closedInSilence(port: number): Promise<void> {
  using client = await RawClient.connect(port)
  await client.untilClosed()
}

type Handle = { writeQueueSize: number; getsockname?: (found: { port?: number }) => number }

/** Of the connection to this port: the router's end has no stream of Node that could be asked. */
function handleAt(port: number): Handle {
  const { _getActiveHandles: active } = process as unknown as { _getActiveHandles: () => Handle[] }
  const found = active().find((handle) => {
    const name: { port?: number } = {}
    handle.getsockname?.(name)
    return name.port === port
  })
  if (found === undefined) throw new Error(`no connection to port ${port}`)
  return found
}

describe('1,500 connections that drip their heads', () => {
  it('hurt nobody else, and are closed when their time is up', { timeout: 60_000 }, async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    await using router = await startRouter({ routes: [route([app])], limits: { head: 8_000 } })
    const slow = await Promise.all(Array.from({ length: 1_500 }, () => RawClient.connect(router.port)))
    for (const client of slow) client.send('GET / HTTP/1.1\r\nHost: app.test\r\n')
    const drip = setInterval(() => {
      for (const client of slow) if (!client.closed) client.send('X')
    }, 1_000)
    for (let i = 0; i < 50; i++) expect(statusOf(await talk(router.port, get))).toBe(200)
    expect(slow.filter(({ closed }) => closed)).toEqual([])
    const answers = await Promise.all(slow.map((client) => client.untilClosed()))
    clearInterval(drip)
    expect(new Set(answers.map(statusOf))).toEqual(new Set([408]))
  })
})

describe('a connection', () => {
  it('that never says anything is closed', async () => {
    await using router = await startRouter({ limits: { keepAlive: 200 } })
    using client = await RawClient.connect(router.port)
    expect(await client.untilClosed()).toBe('')
  })

  it('that serves another request is told how long it may be idle, and served for that long', async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    await using router = await startRouter({ routes: [route([app])], limits: { keepAlive: 1_000 } })
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(router.port)))
    const ask = async (client: RawClient, path: string) => {
      client.received = ''
      return client
        .send(`GET ${path} HTTP/1.1\r\nHost: ${path === '/' ? 'app' : 'nope'}.test\r\n\r\n`)
        .until(/\r\n\r\n[^]/)
    }
    for (const path of ['/', '/nope']) {
      const answers = await Promise.all(clients.map((client) => ask(client, path)))
      for (const answer of answers) expect(answer).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n/)
      await closedInSilence(router.port)
    }
    expect(await ask(clients[0]!, '/')).toMatch(/ok$/)
    for (const client of clients) client.socket.destroy()
  })

  it('that was told so is closed some time later', async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    const limits = { keepAlive: 300, keepAliveGrace: 300 }
    await using router = await startRouter({ routes: [route([app])], limits })
    using client = await RawClient.connect(router.port)
    const answer = await client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n').untilClosed()
    expect(answer).toMatch(/\r\nKeep-Alive: timeout=0\r\n[^]*ok$/)
  })

  it('that stops in the middle of its body is closed: H28', async () => {
    await using app = await startApp((req) => void req.resume())
    const limits = { app: { connect: 1_000, firstByte: 1_000, idle: 300 } }
    await using router = await startRouter({ routes: [route([app])], limits })
    const text = await talk(router.port, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nabc')
    expect(text).toBe('')
    expect(router.lines[0]).toMatch(/^at=warning code=H28 desc="Client Connection Idle"/)
  })

  it('that stops reading its answer is closed: H28', async () => {
    await using app = await startApp((_, res) => res.end(Buffer.alloc(20_000_000)))
    const limits = { app: { connect: 1_000, firstByte: 1_000, idle: 300 } }
    await using router = await startRouter({ routes: [route([app])], limits })
    using client = await RawClient.connect(router.port)
    client.socket.pause()
    client.send(get)
    while (router.lines.length === 0) await new Promise((wake) => setTimeout(wake, 50))
    expect(router.lines[0]).toMatch(/code=H28/)
  })

  it('that is ended by us gets all of its answer first, however long it does not read', async () => {
    let size = 0
    await using app = await startApp((_, res) => {
      // Until the kernel takes no more, so that the end of the answer waits inside the router.
      const fill = (): void => {
        if (handleAt(router.port).writeQueueSize > 0) return void res.end()
        res.write(Buffer.alloc(8_192, 'x'))
        size += 8_192
        setImmediate(fill)
      }
      fill()
    })
    await using router = await startRouter({
      routes: [route([app])],
      limits: { linger: 200, keepAlive: 200, head: 200 },
    })
    using client = await RawClient.connect(router.port)
    client.socket.pause()
    client.send(get)
    while (router.lines.length === 0) await new Promise(setImmediate)
    for (let limit = 0; limit < 3; limit++) await closedInSilence(router.port)
    client.socket.resume()
    expect((await client.untilClosed()).match(/x/g)).toHaveLength(size)
  })

  it('whose client asked to close is over with its answer, whether or not the client ends it', async () => {
    await using app = await startApp((_, res) => res.end('x'.repeat(10_000)))
    await using router = await startRouter({ routes: [route([app])] })
    const socket = connect({ port: router.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write(get)
    expect(await text(socket)).toMatch(/\r\n\r\nx{10000}$/)
    await expect.poll(() => router.router.connections).toBe(0)
    socket.destroy()
  })

  it('above the number for its address is turned away, those that are open are not', async () => {
    await using app = await startApp((_, res) => res.end('ok'))
    await using router = await startRouter({ routes: [route([app])], limits: { connectionsPerAddress: 3 } })
    const first = await Promise.all([1, 2, 3].map(() => RawClient.connect(router.port)))
    using fourth = await RawClient.connect(router.port)
    expect(statusOf(await fourth.untilClosed())).toBe(503)
    for (const client of first) expect(statusOf(await client.send(get).untilClosed())).toBe(200)
    expect(statusOf(await talk(router.port, get))).toBe(200)
    expect(router.router.counters.turnedAway).toBe(1)
  })

  it('of an app that has as many as one may is refused by its next request and closed; other apps are served', async () => {
    await using busy = await startApp((req, res) => void (req.url === '/' && res.end('ok')))
    await using other = await startApp((_, res) => res.end('other'))
    const routes = [route([busy]), route([other], { appId: 'app-2' as AppId, app: 'other', hosts: ['other.test'] })]
    await using router = await startRouter({ routes, limits: { connections: 6, connectionsPerApp: 3 } })
    const arrived = once(busy.server, 'request')
    const flood = await Promise.all([1, 2, 3].map(() => RawClient.connect(router.port)))
    flood[0]!.send('GET /held HTTP/1.1\r\nHost: app.test\r\n\r\n')
    await arrived
    for (const client of flood.slice(1)) await client.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n').until(/ok$/)
    const answer = await talk(router.port, 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 503 [^]*\r\nConnection: close\r\n[^]*Connection limit reached \(H22\)/)
    expect(router.lines.at(-1)).toMatch(/^at=error code=H22 desc="Connection limit reached" method=GET path="\/"/)
    expect(statusOf(await talk(router.port, get.replace('app.test', 'other.test')))).toBe(200)
    flood[1]!.received = ''
    expect(await flood[1]!.send('GET / HTTP/1.1\r\nHost: other.test\r\n\r\n').until(/other$/)).toMatch(/ 200 /)
    expect(statusOf(await talk(router.port, get))).toBe(200)
    for (const client of flood) client.socket.destroy()
  })

  it('above the number in all is turned away', async () => {
    await using router = await startRouter({ limits: { connections: 1 } })
    using _first = await RawClient.connect(router.port)
    using second = await RawClient.connect(router.port)
    expect(await second.untilClosed()).toMatch(/Connection limit reached \(H22\)/)
  })
})

describe('a router that stops', () => {
  it('finishes what is under way, says so, and closes what is idle', async () => {
    await using app = await startApp((req, res) => void req.once('finish', () => res.end('late')))
    const router = await startRouter({ routes: [route([app])] })
    using idle = await RawClient.connect(router.port)
    using busy = await RawClient.connect(router.port)
    const arrived = once(app.server, 'request')
    busy.send('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')
    const [request] = await arrived
    const stopped = router.router.stop({ milliseconds: 10_000, idle: 'close' })
    expect(await idle.untilClosed()).toBe('')
    request.emit('finish')
    expect(await busy.untilClosed()).toMatch(/\r\nConnection: close\r\n[^]*late/)
    await stopped
    await expect(RawClient.connect(router.port)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('cuts off what does not end in time', async () => {
    await using app = await startApp(() => undefined)
    const router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    const arrived = once(app.server, 'request')
    client.send(get)
    await arrived
    await router.router.stop({ milliseconds: 100, idle: 'close' })
    expect(await client.untilClosed()).toBe('')
  })
})
