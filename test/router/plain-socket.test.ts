import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenOn } from '../../src/router/listen.ts'
import { acceptPlainly, PlainSocket } from '../../src/router/plain-socket.ts'
import { readInto } from '../../src/router/reads.ts'

let server: Server
let port: number
let client: Socket
let visitor: PlainSocket
const withStream: unknown[] = []
const onStream = (message: unknown): void => void withStream.push(message)

beforeEach(async () => {
  withStream.length = 0
  subscribe('net.server.socket', onStream)
  server = createServer({ allowHalfOpen: true })
  port = await listenOn(server, { port: 0, shared: false })
  acceptPlainly(server)
  client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [accepted] = (await once(server, 'connection')) as [PlainSocket]
  visitor = accepted
})

afterEach(async () => {
  unsubscribe('net.server.socket', onStream)
  client.destroy()
  visitor.destroy()
  server.close()
  await once(server, 'close')
})

describe('a connection without a stream of Node', () => {
  it('is what this Node can have', () => {
    expect(visitor).toBeInstanceOf(PlainSocket)
    expect(visitor.remoteAddress).toMatch(/127\.0\.0\.1$/)
    expect(withStream).toEqual([])
  })

  it('tells that its other end has ended, and can still be ended itself', async () => {
    visitor.resume()
    client.end()
    await once(visitor, 'end')
    expect(visitor.destroyed).toBe(false)
    client.resume()
    const ended = once(client, 'end')
    visitor.destroySoon()
    await Promise.all([ended, once(visitor, 'close')])
  })

  it('stays where what came fills the buffer to its last byte, so that the next read finds nothing', async () => {
    const buffer = Buffer.alloc(16)
    const read: string[] = []
    readInto(visitor, { buffer: () => buffer, callback: (size) => read.push(buffer.toString('latin1', 0, size)) > 0 })
    for (const word of ['exactly sixteen.', 'and once again..', 'end']) {
      client.write(word)
      await expect.poll(() => read.at(-1)).toBe(word)
    }
    expect(visitor.destroyed).toBe(false)
  })

  it('is closed when it is reset', async () => {
    visitor.resume()
    const closed = once(visitor, 'close')
    client.resetAndDestroy()
    await closed
    expect(visitor.destroyed).toBe(true)
  })

  it('keeps its server from being closed until it is', async () => {
    let isClosed = false
    server.once('close', () => (isClosed = true))
    server.close()
    await new Promise(setImmediate)
    expect(isClosed).toBe(false)
    visitor.destroy()
    await once(server, 'close')
    server = createServer()
    await listenOn(server, { port: 0, shared: false })
  })

  it('becomes one with a stream, and closes with that', async () => {
    const stream = visitor.intoStream()
    stream.end('from the stream')
    const [bytes] = (await once(client, 'data')) as [Buffer]
    expect(bytes.toString()).toBe('from the stream')
    const closed = once(visitor, 'close')
    visitor.destroy()
    await closed
    expect(stream.destroyed).toBe(true)
  })
})
