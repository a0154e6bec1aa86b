import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { startApp, startRawApp, type TestApp } from './helpers/apps.ts'
import { RawClient, statusOf } from './helpers/raw-client.ts'
import { route, startRouter } from './helpers/router.ts'

const upgrade = 'GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: custom/1\r\n\r\n'

/** An app that sends every message back. */
async function startEcho(): Promise<TestApp> {
  const app = await startApp((_, res) => res.end('plain'))
  const sockets = new WebSocketServer({ server: app.server })
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  )
  return app
}

async function openSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'app.test' } })
  await once(socket, 'open')
  return socket
}

describe('a WebSocket', () => {
  it('carries messages of any size both ways', async () => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])] })
    const socket = await openSocket(router.port)
    for (const size of [0, 5, 70_000, 3_000_000]) {
      const message = randomBytes(size)
      socket.send(message)
      const [echoed] = await once(socket, 'message')
      expect((echoed as Buffer).equals(message)).toBe(true)
    }
    socket.close(1000)
    const [code] = await once(socket, 'close')
    expect(code).toBe(1000)
  })

  it('counts as in flight until it is closed, and is logged then', async () => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])] })
    const target = router.router.routes.findTarget(`t${app.port}`)!
    const socket = await openSocket(router.port)
    expect(target.inFlight).toBe(1)
    expect(router.lines).toEqual([])
    socket.terminate()
    await new Promise<void>((resolve) => target.onceIdle(resolve))
    expect(router.lines).toEqual([expect.stringMatching(/^at=info method=GET .* status=101 /)])
  })

  it('that nobody uses is closed after the idle time', async () => {
    await using app = await startEcho()
    await using router = await startRouter({
      routes: [route([app])],
      limits: { app: { connect: 1000, firstByte: 1000, idle: 300 } },
    })
    const socket = await openSocket(router.port)
    await once(socket, 'close')
    await new Promise<void>((resolve) => router.router.routes.findTarget(`t${app.port}`)!.onceIdle(resolve))
    await new Promise(setImmediate)
    expect(router.lines[0]).toMatch(/code=H15/)
  })

  it('is closed when the app dies', async () => {
    await using app = await startEcho()
    await using router = await startRouter({ routes: [route([app])] })
    const socket = await openSocket(router.port)
    app.server.closeAllConnections()
    for (const connection of await connectionsOf(app)) connection.destroy()
    const [code] = await once(socket, 'close')
    expect(code).toBe(1006)
  })
})

/** Sockets that were upgraded are none of the server's: they are found by what is open in this process. */
async function connectionsOf(app: TestApp) {
  const { Socket } = await import('node:net')
  // @ts-expect-error -- a diagnostic function that the types do not have
  const handles = process._getActiveHandles() as unknown[]
  return handles.filter((handle) => handle instanceof Socket && handle.localPort === app.port) as InstanceType<
    typeof Socket
  >[]
}

describe('any Upgrade', () => {
  it('opens a tunnel with what was already sent on both sides', async () => {
    await using app = await startRawApp((socket, data) => {
      if (data.startsWith('GET'))
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: custom/1\r\n\r\nhello')
      socket.write(`<${data.split('\r\n\r\n').at(-1)}>`)
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(`${upgrade}early`)
    await client.until(/^HTTP\/1\.1 101 [^]*upgrade: custom\/1[^]*\r\n\r\nhello[^]*early/i)
    client.send('late')
    expect(await client.until(/<late>$/)).not.toContain('GET')
  })

  it('tells the app what the client asked for, and nothing else of Connection', async () => {
    let head = ''
    await using app = await startRawApp((socket, data) => {
      head = data
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    await client.send(upgrade).untilClosed()
    expect(head).toMatch(/\r\nConnection: Upgrade\r\nUpgrade: custom\/1\r\n/)
    expect(head).not.toMatch(/keep-alive/)
  })

  it('that is refused ends the connection: what follows is nobody’s request', async () => {
    const requests: string[] = []
    await using app = await startApp((req, res) => {
      requests.push(req.url ?? '')
      res.end('no')
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    const text = await client.send(`${upgrade}GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n`).untilClosed()
    expect(statusOf(text)).toBe(200)
    expect(text).toMatch(/\r\nConnection: close\r\n/)
    expect(requests).toEqual(['/chat'])
  })

  it('that is answered before the request is complete is not believed', async () => {
    await using app = await startRawApp((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: custom/1\r\n\r\n'),
    )
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    const text = await client.send(upgrade.replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\nab')).untilClosed()
    expect(statusOf(text)).toBe(503)
  })

  it('ends in both directions when one side ends', async () => {
    await using app = await startRawApp((socket, data) => {
      if (data.startsWith('GET'))
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: custom/1\r\n\r\n')
      else socket.end('bye')
    })
    await using router = await startRouter({ routes: [route([app])] })
    using client = await RawClient.connect(router.port)
    client.send(upgrade)
    await client.until(/\r\n\r\n$/)
    client.send('x')
    expect(await client.untilClosed()).toMatch(/bye$/)
  })
})
