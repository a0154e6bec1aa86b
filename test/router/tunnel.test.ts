import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { LiveTarget } from '../../src/router/target.ts'
import { listen } from './helpers/apps.ts'
import { settled } from './helpers/raw-client.ts'
import { route, startRouter, type TestRouter } from './helpers/router.ts'

const upgrade = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n'
const accepted = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n'
/** Far more than the kernel keeps between the two ends. */
const much = 100_000_000
const piece = Buffer.alloc(50_000, 'x')

type OpenTunnel = AsyncDisposable & { router: TestRouter; target: LiveTarget; client: Socket; app: Socket }

/** Both ends of a tunnel; nothing is read of what comes after the heads. */
async function openTunnel(): Promise<OpenTunnel> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const port = await listen(server)
  const router = await startRouter({ routes: [route([{ port }])] })
  const target = router.router.routes.findTarget(`t${port}`)!
  const client = connect({ port: router.port, host: '127.0.0.1', allowHalfOpen: true })
  client.write(upgrade)
  const [app] = (await once(server, 'connection')) as [Socket]
  for (const socket of [client, app]) socket.on('error', () => socket.destroy())
  await firstBytes(app)
  app.write(accepted)
  await firstBytes(client)
  const close = async (): Promise<void> => {
    client.destroy()
    app.destroy()
    server.close()
    await router[Symbol.asyncDispose]()
  }
  return { router, target, client, app, [Symbol.asyncDispose]: close }
}

async function firstBytes(socket: Socket): Promise<void> {
  await once(socket, 'readable')
  socket.read()
}

/** Sends `much` as fast as it is taken. */
async function sendMuch(socket: Socket): Promise<void> {
  for (let sent = 0; sent < much && !socket.destroyed; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, 'drain').catch(() => undefined)
  }
  socket.end()
}

async function countBytes(socket: Socket): Promise<number> {
  let bytes = 0
  for await (const chunk of socket) bytes += (chunk as Buffer).length
  return bytes
}

const directions = [
  { from: 'client', to: 'app' },
  { from: 'app', to: 'client' },
] as const

describe.each(directions)('a tunnel from the $from to the $to', ({ from, to }) => {
  it('holds back what comes while nobody reads, and then passes all of it on', async () => {
    await using tunnel = await openTunnel()
    const before = process.memoryUsage()
    const sending = sendMuch(tunnel[from])
    await settled(() => tunnel[from].bytesWritten, tunnel.router.port)
    const { arrayBuffers } = process.memoryUsage()
    expect(tunnel[from].bytesWritten).toBeLessThan(much / 2)
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(20_000_000)
    expect(await countBytes(tunnel[to])).toBe(much)
    await sending
  })

  it('that is reset while much is under way is closed at the other end, and over', async () => {
    await using tunnel = await openTunnel()
    const { router, target } = tunnel
    void sendMuch(tunnel[from])
    await settled(() => tunnel[from].bytesWritten, router.port)
    const closed = new Promise((resolve) => tunnel[from].once('close', resolve))
    tunnel[to].resetAndDestroy()
    await closed
    await new Promise<void>((resolve) => target.onceIdle(resolve))
    await expect.poll(() => router.router.connections).toBe(0)
  })
})

it('a client that has ended what it sends still gets all that the app sends then', async () => {
  await using tunnel = await openTunnel()
  const { client, app } = tunnel
  client.end('question')
  expect((await buffer(app)).toString()).toBe('question')
  void sendMuch(app)
  expect(await countBytes(client)).toBe(much)
})
