import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

export type RawAnswer = { status: number; head: string; body: Buffer }

export type RawRequest = {
  method?: string
  path: string
  headers?: Record<string, string>
  /** Sent piece by piece, each in a packet of its own. */
  body?: (string | Buffer)[]
  /** What the head says of the body: its real length, chunks, or a length that is never reached. */
  framing?: 'length' | 'chunked' | number
}

/** An HTTP client that sends exactly what it is told, good or bad, and gives what came back until the server closed. */
export async function rawRequest(port: number, request: RawRequest): Promise<RawAnswer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A server that has heard enough may close while this side still writes.
  socket.on('error', () => undefined)
  const closed = new Promise((settle) => socket.once('close', settle))
  await send(socket, request)
  await closed
  const answer = Buffer.concat(chunks)
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.toString('latin1', 0, end)
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), head, body: answer.subarray(end + 4) }
}

/** Sends the request and leaves the connection open. */
export async function openRaw(port: number, request: RawRequest): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => undefined)
  await send(socket, request)
  return socket
}

async function send(
  socket: Socket,
  { method = 'GET', path, headers, body = [], framing = 'length' }: RawRequest,
): Promise<void> {
  const pieces = body.map((piece) => Buffer.from(piece))
  const fields = { host: 'localhost', connection: 'close', ...headers, ...lengthField(pieces, framing) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  for (const piece of pieces) {
    if (!socket.writable) return
    socket.write(framing === 'chunked' ? chunkOf(piece) : piece)
    await setImmediate()
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n')
}

function lengthField(pieces: Buffer[], framing: RawRequest['framing']): Record<string, string> {
  if (framing === 'chunked') return { 'transfer-encoding': 'chunked' }
  const length = typeof framing === 'number' ? framing : Buffer.concat(pieces).length
  return { 'content-length': String(length) }
}

function chunkOf(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}
