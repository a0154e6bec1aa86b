import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { Outbox } from '../../src/router/http/outbox.ts'
import { Loan, mostLent, shared, sharedBuffer } from '../../src/router/loans.ts'
import { readInto } from '../../src/router/reads.ts'
import { listen, startApp, type TestApp } from './helpers/apps.ts'
import { route, startRouter } from './helpers/router.ts'

/** More than the kernel keeps between the router and either end. */
const size = 16_000_000

/** What one connection sends, in pieces of `pieceSize`. Its reader begins when the sender is `blocked`. */
type Flow = {
  kind: 'known' | 'chunked' | 'download' | 'tunnel' | 'aborted'
  pieceSize: number
  body: Buffer
  blocked: PromiseWithResolvers<void>
}

function makeFlow(kind: Flow['kind'], pieceSize: number): Flow {
  return { kind, pieceSize, body: randomBytes(size), blocked: Promise.withResolvers() }
}

/** Tells the digest of bodies, sends those asked for, and sends back what comes in tunnels. */
async function startFlowApp(flows: Flow[]): Promise<TestApp> {
  const flowOf = ({ url }: IncomingMessage): Flow => flows[Number(url?.slice(1))]!
  const app = await startApp((req, res) => void answer(flowOf(req), req, res))
  app.server.on('upgrade', (req, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: custom/1\r\n\r\n')
    void flowOf(req).blocked.promise.then(() => socket.pipe(socket))
  })
  return app
}

async function answer(flow: Flow, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (flow.kind === 'download') return send(res.socket!, flow, `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
  await flow.blocked.promise
  res.end(await digestOf(req).catch(() => 'aborted'))
}

async function send(socket: Socket, { kind, body, pieceSize, blocked }: Flow, head: string): Promise<void> {
  socket.write(head)
  for (let at = 0; at < size; at += pieceSize) {
    const piece = body.subarray(at, at + pieceSize)
    if (kind === 'chunked') socket.write(`${piece.length.toString(16)}\r\n`)
    socket.write(piece)
    if (kind === 'chunked') socket.write('\r\n')
    if (socket.writableLength > 0) blocked.resolve()
    if (kind === 'aborted' && socket.writableLength > 0) return void socket.destroy()
    if (socket.writableNeedDrain) await once(socket, 'drain')
  }
  if (kind === 'chunked') socket.write('0\r\n\r\n')
  blocked.resolve()
}

/** Plays one flow's client. @returns the digest of what came out at the other end */
async function play(port: number, flow: Flow, index: number): Promise<string> {
  const socket = await connected(port)
  const head = (method: string, fields: string): string =>
    `${method} /${index} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
  switch (flow.kind) {
    case 'known':
    case 'aborted':
      void send(socket, flow, head('POST', `Connection: close\r\nContent-Length: ${size}\r\n`))
      return flow.kind === 'aborted' ? '' : bodyOf(await text(socket))
    case 'chunked':
      void send(socket, flow, head('POST', 'Connection: close\r\nTransfer-Encoding: chunked\r\n'))
      return bodyOf(await text(socket))
    case 'download':
      socket.write(head('GET', 'Connection: close\r\n'))
      await flow.blocked.promise
      return digestOf(socket, await readHead(socket))
    case 'tunnel':
      socket.write(head('GET', 'Connection: Upgrade\r\nUpgrade: custom/1\r\n'))
      const begin = await readHead(socket)
      void send(socket, flow, '').then(() => socket.end())
      return digestOf(socket, begin)
  }
}

function bodyOf(answer: string): string {
  return /\r\n\r\n(?:40\r\n)?([0-9a-f]{64})/.exec(answer)?.[1] ?? answer
}

/** Reads until after the empty line. @returns what came with it */
async function readHead(socket: Socket): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  while (!bytes.includes('\r\n\r\n')) {
    const piece = socket.read() as Buffer | null
    if (piece === null) await once(socket, 'readable')
    else bytes = Buffer.concat([bytes, piece])
  }
  return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
}

async function digestOf(stream: Readable, begin: Buffer = Buffer.alloc(0)): Promise<string> {
  const hash = createHash('sha256').update(begin)
  for await (const piece of stream) hash.update(piece as Buffer)
  return hash.digest('hex')
}

it('what many send at once, each faster than it is read, comes out as it was sent', async () => {
  const kinds = ['known', 'chunked', 'download', 'tunnel', 'aborted'] as const
  const flows = kinds.flatMap((kind) => [10_000, 200_000].map((pieceSize) => makeFlow(kind, pieceSize)))
  await using app = await startFlowApp(flows)
  await using router = await startRouter({ routes: [route([app])] })
  const digests = await Promise.all(flows.map((flow, index) => play(router.port, flow, index)))
  const sent = flows.map(({ kind, body }) =>
    kind === 'aborted' ? '' : createHash('sha256').update(body).digest('hex'),
  )
  expect(digests).toEqual(sent)
  await expect.poll(() => router.router.connections).toBe(0)
  await expect.poll(countFree).toBe(mostLent)
})

/** Buffers that nobody has. */
function countFree(): number {
  const taken = Array.from({ length: mostLent }, () => Loan.take()).filter((loan) => loan !== undefined)
  for (const loan of taken) loan.giveBack()
  return taken.length
}

it('a buffer that is still being written is not used again, and a piece of the shared one is copied', async () => {
  const server = createServer({ pauseOnConnect: true })
  const port = await listen(server)
  const [to, [from]] = await Promise.all([connected(port), once(server, 'connection') as Promise<[Socket]>])
  const loan = Loan.take()!
  loan.buffer.fill('a')
  expect(loan.settle()).toBe(true)
  const outbox = new Outbox(to)
  while (outbox.sent) {
    loan.send(outbox, loan.buffer)
    outbox.flush()
  }
  expect(loan.settle()).toBe(false)
  expect(to.writableLength, 'this Node has handles that are written to').toBe(0)
  loan.giveBack()
  expect(Loan.take()).not.toBe(loan)
  sharedBuffer.fill('b')
  shared.send(outbox, sharedBuffer)
  outbox.flush()
  sharedBuffer.fill('x')
  to.end()
  expect(await text(from)).toMatch(new RegExp(`^a+b{${sharedBuffer.length}}$`))
  expect(loan.settle()).toBe(true)
  server.close()
})

it('this Node has accepted sockets read into a buffer that is given', async () => {
  const server = createServer((socket) => {
    const callback = (length: number): boolean => {
      socket.end(`read ${sharedBuffer.toString('latin1', 0, length)}`)
      return true
    }
    if (readInto(socket, { buffer: () => sharedBuffer, callback })) socket.resume()
    else socket.destroy()
  })
  const client = await connected(await listen(server))
  client.end('hello')
  const [answer] = (await once(client, 'data')) as [Buffer]
  expect(answer.toString()).toBe('read hello')
  server.close()
})

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
