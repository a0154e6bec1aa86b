import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { once } from 'node:events'
import { readWhole, type GatedEngine } from './engine.ts'
import { headersOf } from './pass.ts'
import type { Order } from './policy.ts'
import { Refused } from './refused.ts'

/** Bytes of the JSON that comes with a request for a connection. */
const longestBody = 2 ** 20
const longestRefusal = 2 ** 16

/**
 * The body of a request that wants its connection for itself: Node leaves it to who takes that.
 * @throws Refused one that is too long, or of an unknown length
 */
export async function readBody(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<string> {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  const bytes = Number(length)
  if (coding !== undefined || !/^\d+$/.test(length) || bytes > longestBody) throw new Refused('the body is too long')
  if (head.length > 0) socket.unshift(head)
  if (bytes === 0) return ''
  for (;;) {
    const body = socket.read(bytes) as Buffer | null
    if (body) return body.toString()
    if (socket.destroyed || socket.readableEnded) throw new Refused('the body breaks off')
    await Promise.race([once(socket, 'readable'), once(socket, 'close')])
  }
}

/** Connects the two sides once the engine agrees; whichever ends its side ends the other's. */
export async function upgrade(engine: GatedEngine, order: Order, socket: Duplex): Promise<void> {
  const headers = { ...headersOf(order), connection: 'Upgrade', upgrade: 'tcp' }
  const call = engine.call({ ...order, headers })
  const hangUp = (): void => void call.destroy()
  socket.once('close', hangUp)
  const refused = once(call, 'response') as Promise<[IncomingMessage]>
  const agreed = once(call, 'upgrade') as Promise<[IncomingMessage, Duplex, Buffer]>
  refused.catch(() => undefined)
  call.end(order.body && typeof order.body === 'object' ? JSON.stringify(order.body.json) : undefined)
  const [answer, upstream, head] = await Promise.race([agreed, refused])
  socket.off('close', hangUp)
  if (!upstream || !head)
    return refuseUpgrade(socket, answer.statusCode ?? 502, await readWhole(answer, longestRefusal))
  socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
  if (head.length > 0) upstream.unshift(head)
  join(socket, upstream)
}

function join(client: Duplex, upstream: Duplex): void {
  client.pipe(upstream).pipe(client)
  client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  upstream.on('error', () => client.destroy()).on('close', () => client.end())
}

/** An answer of the usual kind on a connection that was to become another. */
export function refuseUpgrade(socket: Duplex, status: number, body: string | Buffer): void {
  const length = Buffer.byteLength(body)
  socket.write(`HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n`)
  socket.write('Connection: close\r\n\r\n')
  socket.end(body)
}
