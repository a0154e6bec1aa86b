import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { ownEvents, subnetsOf } from './answers.ts'
import { checkedArchive } from './archive.ts'
import { readWhole, type GatedEngine } from './engine.ts'
import type { GateOwner } from './own.ts'
import type { Order } from './policy.ts'
import type { Things } from './things.ts'

/** Milliseconds that the rest of a request is waited for which the engine has answered already. */
const restMs = 2000

export type PassDeps = { engine: GatedEngine; things: Things; owner: GateOwner }

/** Asks the engine as ordered and passes its answer on; both are streams with backpressure. */
export async function pass(
  deps: PassDeps,
  order: Order,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const call = deps.engine.call({ ...order, headers: headersOf(order) })
  response.once('close', () => call.destroy())
  const answered = once(call, 'response') as Promise<[IncomingMessage]>
  // The engine's answer would not say that the body broke off or was refused.
  const [[answer]] = await Promise.all([answered, send(deps, order, { request, call })])
  await giveAnswer(deps, order, { answer, response })
}

type Sending = { request: IncomingMessage; call: ClientRequest }

/** Resolves when the engine has all, or answers without it. */
async function send({ owner, things }: PassDeps, { body }: Order, { request, call }: Sending): Promise<void> {
  if (body === 'stream' || body === 'image') {
    const source = body === 'image' ? archiveOf(request, owner, things) : request
    const sent = pipeline(source, call)
    await Promise.race([sent, once(call, 'response')])
    // The engine answers at the end of a tar, before that of the request. Who still writes when the
    // answer is given finds the connection closed, and gets none.
    await Promise.race([sent.catch(() => undefined), delay(restMs, undefined, { ref: false })])
    return
  }
  call.end(body && JSON.stringify(body.json))
}

function archiveOf(request: IncomingMessage, owner: GateOwner, things: Things): Readable {
  return checkedArchive(request, { owner, areKnown: (layers) => things.areKnown(layers) })
}

/** `transfer-encoding` where the length is not known; Node writes the length otherwise. */
export function headersOf({ body }: Order): OutgoingHttpHeaders {
  if (body === undefined) return {}
  if (body === 'stream' || body === 'image') return { 'content-type': 'application/x-tar' }
  return { 'content-type': 'application/json', 'content-length': Buffer.byteLength(JSON.stringify(body.json)) }
}

type Answering = { answer: IncomingMessage; response: ServerResponse }

async function giveAnswer({ things, owner }: PassDeps, order: Order, { answer, response }: Answering): Promise<void> {
  const isDone = (answer.statusCode ?? 500) < 300
  if (isDone && order.answer === 'subnets') return giveWhole(response, subnetsOf(await textOf(answer)))
  if (isDone && (order.answer === 'new container' || order.answer === 'new exec')) {
    const text = await textOf(answer)
    things.made((JSON.parse(text) as { Id: string }).Id)
    return giveWhole(response, text, answer.statusCode)
  }
  response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'application/json' })
  // The head is sent at once: a client waits for it before it expects events.
  response.flushHeaders()
  if (isDone && order.answer === 'events') await pipeline(answer, ownEvents(owner), response)
  else await pipeline(answer, response)
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return (await readWhole(answer)).toString()
}

function giveWhole(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}
