import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { drain } from '../../src/router/drain.ts'
import { until } from '../helpers/app.ts'
import { startApp, type TestApp } from './helpers/apps.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

afterEach(() => void vi.useRealTimers())

/** Says which release it is: on `/`, in a stream that lives for a while, after an upload, and on WebSockets. */
async function startRelease(name: string): Promise<TestApp> {
  const app = await startApp((req, res) => {
    if (req.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      let sent = 0
      const timer = setInterval(() => {
        res.write(`data: ${name}\n\n`)
        if (++sent < 20) return
        clearInterval(timer)
        res.end()
      }, 10)
    } else if (req.url === '/upload') {
      const hash = createHash('sha256')
      req.pipe(hash).on('finish', () => res.end(hash.digest('hex')))
    } else setImmediate(() => res.end(name))
  })
  new WebSocketServer({ server: app.server }).on('connection', (socket) => {
    socket.send(name)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  })
  return app
}

async function get(
  router: TestRouter,
  path: string,
  options: { agent?: Agent | false; body?: Buffer } = {},
): Promise<string> {
  const { agent = false, body } = options
  const outgoing = request({
    port: router.port,
    path,
    agent,
    method: body ? 'POST' : 'GET',
    headers: { host: 'app.test' },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

/** Repeats `ask` in `lanes` lanes until stopped; gives how often it went well, and what went wrong. */
function load(lanes: number, ask: () => Promise<void>) {
  let running = true
  let done = 0
  const failures: string[] = []
  const lane = async (): Promise<void> => {
    while (running) {
      try {
        await ask()
        done++
      } catch (cause) {
        failures.push(String(cause))
      }
    }
  }
  const finished = Promise.all(Array.from({ length: lanes }, lane))
  return {
    get done() {
      return done
    },
    async stop(): Promise<{ done: number; failures: string[] }> {
      running = false
      await finished
      return { done, failures }
    },
  }
}

describe('switching to a new release', () => {
  it(
    'under load fails no request, upload or stream, and none reaches a dyno after its drain',
    { timeout: 60_000 },
    async () => {
      const names = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6']
      let current = await startRelease('v1')
      await using router = await startRouter({ routes: [route([current])] })
      const agent = new Agent({ keepAlive: true, maxSockets: 8 })
      const upload = randomBytes(2_000_000)
      const hash = createHash('sha256').update(upload).digest('hex')
      const check = (good: boolean, text: string): void => {
        if (!good) throw new Error(`got ${text.slice(0, 100)}`)
      }
      const loads = [
        load(4, async () => check(names.includes(await get(router, '/', { agent })), 'another page')),
        load(2, async () => check(names.includes(await get(router, '/')), 'another page')),
        load(1, async () => {
          const text = await get(router, '/upload', { body: upload })
          check(text === hash, text)
        }),
        load(2, async () => {
          const text = await get(router, '/events')
          check(text.length === 20 * 'data: v1\n\n'.length && new Set(text.match(/v\d/g)).size === 1, text)
        }),
      ]
      for (const name of names.slice(1)) {
        const floor = loads.map(({ done }) => done)
        while (loads.some(({ done }, i) => done < floor[i]! + 2)) await new Promise((wake) => setTimeout(wake, 10))
        const next = await startRelease(name)
        const replaced = router.router.routes.switchTo(route([next]))
        const targets = replaced
          .map(({ id }) => router.router.routes.findTarget(id))
          .filter((target) => target !== undefined)
        expect(replaced).toHaveLength(1)
        expect(await drain(targets, 20_000)).toEqual({ unfinished: 0 })
        await current[Symbol.asyncDispose]()
        current = next
      }
      const results = await Promise.all(loads.map((running) => running.stop()))
      expect(results.flatMap(({ failures }) => failures)).toEqual([])
      agent.destroy()
      await current[Symbol.asyncDispose]()
    },
  )

  it('sends every new request to the new targets at once', async () => {
    await using old = await startRelease('old')
    await using next = await startRelease('new')
    await using router = await startRouter({ routes: [route([old])] })
    const agent = new Agent({ keepAlive: true })
    expect(await get(router, '/', { agent })).toBe('old')
    expect(router.router.routes.switchTo(route([next]))).toMatchObject([{ id: `t${old.port}`, port: old.port }])
    for (let i = 0; i < 5; i++) expect(await get(router, '/', { agent })).toBe('new')
    agent.destroy()
  })

  it('keeps targets that stay, with what is in flight to them', async () => {
    await using app = await startRelease('v1')
    await using router = await startRouter({ routes: [route([app])] })
    const target = router.router.routes.findTarget(`t${app.port}`)
    expect(router.router.routes.switchTo(route([app], { hosts: ['app.test', 'www.test'] }))).toEqual([])
    expect(router.router.routes.findTarget(`t${app.port}`)).toBe(target)
    router.router.routes.install({ ...router.router.routes.table })
    expect(router.router.routes.findTarget(`t${app.port}`)).toBe(target)
  })

  it('closes the connections that were kept to the old targets', async () => {
    await using old = await startRelease('old')
    await using router = await startRouter({ routes: [route([old])] })
    const connected = once(old.server, 'connection')
    await get(router, '/')
    const [connection] = await connected
    vi.useFakeTimers({ toFake: ['performance'] }) // so that it is not closed for its age
    router.router.routes.switchTo(route([], { state: 'down' }))
    await once(connection, 'close')
    expect(router.router.routes.findTarget(`t${old.port}`)).toBeUndefined()
  })

  it('and back again uses the first target as before', async () => {
    await using old = await startRelease('old')
    await using next = await startRelease('new')
    await using router = await startRouter({ routes: [route([old])] })
    let connections = 0
    old.server.on('connection', () => connections++)
    router.router.routes.switchTo(route([next]))
    expect(await get(router, '/')).toBe('new')
    const target = router.router.routes.findTarget(`t${old.port}`)
    router.router.routes.switchTo(route([old]))
    for (let i = 0; i < 5; i++) expect(await get(router, '/')).toBe('old')
    expect(connections).toBe(1)
    expect(target).toBeUndefined()
  })

  it('and back again while the first target still serves a request takes it up again', async () => {
    const held: (() => void)[] = []
    await using old = await startApp((req, res) =>
      req.url === '/held' ? void held.push(() => res.end()) : void res.end('old'),
    )
    await using next = await startRelease('new')
    await using router = await startRouter({ routes: [route([old])] })
    let connections = 0
    old.server.on('connection', () => connections++)
    const arrived = once(old.server, 'request')
    const slow = get(router, '/held')
    await arrived
    router.router.routes.switchTo(route([next]))
    router.router.routes.switchTo(route([old]))
    expect(router.router.routes.findTarget(`t${old.port}`)?.inFlight).toBe(1)
    for (let i = 0; i < 5; i++) expect(await get(router, '/')).toBe('old')
    expect(connections).toBe(2)
    for (const answer of held) answer()
    await slow
  })

  it('takes hosts away that the new route does not have, and leaves other apps alone', async () => {
    await using app = await startRelease('v1')
    const other = route([app], { appId: 'app-2' as never, app: 'other', hosts: ['other.test'] })
    await using router = await startRouter({ routes: [route([app]), other] })
    const { routes } = router.router
    routes.switchTo(route([app], { hosts: ['new.test'] }))
    expect([routes.find('app.test'), routes.find('new.test')?.app?.name, routes.find('other.test')?.app?.name]).toEqual(
      [undefined, 'app', 'other'],
    )
    routes.remove('app-1' as never)
    expect([routes.find('new.test'), routes.find('other.test')?.app?.name]).toEqual([undefined, 'other'])
  })
})

describe('a drain', () => {
  it('ends at its time limit and says how many requests are still open', async () => {
    await using app = await startApp(() => undefined)
    await using router = await startRouter({ routes: [route([app])] })
    const outgoing = request({ port: router.port, agent: false, headers: { host: 'app.test' } })
    outgoing.on('error', () => outgoing.destroy())
    outgoing.end()
    await once(app.server, 'request')
    const target = router.router.routes.findTarget(`t${app.port}`)!
    router.router.routes.switchTo(route([], { state: 'down' }))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ended = vi.fn<(result: object) => void>()
    const draining = drain([target], 300).then(ended)
    await vi.advanceTimersByTimeAsync(299)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    vi.useRealTimers()
    await draining
    expect(ended).toHaveBeenCalledWith({ unfinished: 1 })
    outgoing.destroy()
  })

  it(
    'tells 200 WebSockets 1001, one after the other, between two messages, and those that come back get the new release',
    { timeout: 60_000 },
    async () => {
      await using old = await startRelease('old')
      await using next = await startRelease('new')
      await using router = await startRouter({ routes: [route([old])] })
      const open = async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${router.port}/`, { headers: { host: 'app.test' } })
        const [name] = await once(socket, 'message')
        return { socket, name: String(name) }
      }
      const clients = await Promise.all(Array.from({ length: 200 }, open))
      expect(new Set(clients.map(({ name }) => name))).toEqual(new Set(['old']))
      const message = randomBytes(300_000)
      const echoed: Buffer[] = []
      for (const { socket } of clients.slice(0, 20)) {
        socket.on('message', (data: Buffer) => echoed.push(data))
        socket.send(message)
      }
      const codes: number[] = []
      const closed = clients.map(async ({ socket }) => codes.push((await once(socket, 'close'))[0] as number))
      router.router.routes.switchTo(route([next]))
      const target = router.router.routes.findTarget(`t${old.port}`)!
      expect(target.inFlight).toBe(200)
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const result = drain([target], 20_000)
      // One in 10 ms, though all could go before the first is gone.
      for (let gone = 0; gone < 20; gone += 4) {
        expect(target.tunnels.size).toBe(200 - gone)
        vi.advanceTimersByTime(40)
        await until(`${gone + 4} are closed`, async () => codes.length === gone + 4)
      }
      vi.advanceTimersByTime(1_800)
      vi.useRealTimers()
      await Promise.all(closed)
      expect(await result).toEqual({ unfinished: 0 })
      expect(new Set(codes)).toEqual(new Set([1001]))
      expect(echoed.every((data) => data.equals(message))).toBe(true)
      const again = await open()
      expect(again.name).toBe('new')
      again.socket.terminate()
    },
  )
})
