import type { BodyReader } from './http/framing.ts'
import type { Socket } from 'node:net'
import { Intake } from './intake.ts'
import { owned, type ByteSource } from './loans.ts'
import { readerFor } from './http/body-reader.ts'
import type { Field } from './http/fields.ts'
import { findHeadEnd } from './http/head-end.ts'
import { Outbox } from './http/outbox.ts'
import { readDirectly } from './reads.ts'
import { turnTime } from './turn.ts'
import { UpstreamSocket, type TargetAddress } from './upstream-socket.ts'
import { mayBecomeResponseHead, parseResponseHead, type ResponseHead } from './http/response-head.ts'

export type UpstreamFailure = { kind: 'refused' | 'closed' | 'malformed'; reason: string }

/** Who asked on this connection, and gets the answer. */
export interface ResponseHandler {
  readonly method: string
  connected(): void
  interim(head: ResponseHead): void
  upgraded(head: ResponseHead, rest: Buffer): void
  head(head: ResponseHead): void
  body(data: Buffer, source: ByteSource): void
  /** The response is complete. `reusable`: the connection may serve another request. */
  complete(trailers: Field[], reusable: boolean): void
  /** All that came with one read has been handed over. */
  flush(): void
  drained(): void
  failed(failure: UpstreamFailure): void
}

/**
 * Milliseconds that an idle connection is kept when the app does not say; Node's servers close
 * after 5 s.
 */
const keptByDefault = 4_000
const keptAtMost = 60_000
const longestHead = 65_536
const mostInterims = 100

/** One connection to an app. Serves one request at a time; never shared between targets. */
export class Upstream {
  readonly outbox: Outbox
  readonly #socket: UpstreamSocket
  /** True once it has served a request: it may be closed by the app at any moment. */
  reused = false
  readonly #intake = new Intake((chunk, source) => this.#receive(chunk, source))
  /** Where what is taken right now is. */
  #source: ByteSource = owned
  #handler: ResponseHandler | undefined
  #pending: Buffer | undefined
  #head: ResponseHead | undefined
  #body: BodyReader | undefined
  #interims = 0
  #idleSince = 0
  #usableUntil = 0
  #connected = false
  readonly #onBytes: () => void
  readonly #onBody = (data: Buffer): void => this.#handler?.body(data, this.#source)
  readonly #listeners = {
    drain: (): void => this.#handler?.drained(),
    end: (): void => this.#ended(),
    close: (): void => {
      this.outbox.drop()
      this.#lost('the connection was closed')
    },
  }

  /**
   * @param onBytes called whenever something came
   */
  constructor(address: TargetAddress, handler: ResponseHandler, onBytes: () => void) {
    this.#handler = handler
    this.#onBytes = onBytes
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }
    const socket = new UpstreamSocket({ ...options, onread: this.#intake.onread })
    this.#socket = socket
    this.outbox = new Outbox(socket, () => socket.giveUp())
    socket.on('connect', () => {
      readDirectly(socket, this.#intake.onread)
      this.#connected = true
      this.#handler?.connected()
    })
    socket.on('error', (error) => this.#lost(error.message))
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener)
    this.#intake.attach(socket)
    socket.connect(address)
  }

  get socket(): Socket {
    return this.#socket
  }

  isUsable(now: number): boolean {
    return now < this.#usableUntil && !this.socket.destroyed && this.socket.readyState === 'open'
  }

  /**
   * Takes a kept connection into use, unless it is closed or lay idle for longer than `newest`
   * milliseconds.
   */
  reuse(handler: ResponseHandler, newest: number): boolean {
    const now = turnTime()
    if (!this.isUsable(now) || now - this.#idleSince > newest) {
      this.destroy()
      return false
    }
    this.#handler = handler
    this.reused = true
    return true
  }

  /** Drops the connection; the answer is not needed any more. */
  destroy(): void {
    this.#handler = undefined
    this.socket.destroy()
  }

  /** Gives the connection away; errors on it are still caught here. */
  detach(): { outbox: Outbox; intake: Intake } {
    this.#handler = undefined
    for (const [event, listener] of Object.entries(this.#listeners)) this.socket.off(event, listener)
    return { outbox: this.outbox, intake: this.#intake }
  }

  #receive(chunk: Buffer, source: ByteSource): void {
    this.#onBytes()
    this.#source = source
    // Data that an app sends unasked would become the answer to the next visitor.
    if (this.#handler === undefined) return this.destroy()
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    if (bytes !== chunk) this.#source = owned
    this.#pending = undefined
    let at = 0
    while (at < bytes.length && this.#handler !== undefined) {
      const next = this.#body === undefined ? this.#takeHead(bytes, at) : this.#takeBody(bytes, at)
      if (next === at) break
      at = next
    }
    this.#handler?.flush()
  }

  #takeHead(bytes: Buffer, from: number): number {
    const end = findHeadEnd(bytes, from)
    if (end === -1) {
      if (bytes.length - from > longestHead) this.#fail('malformed', `the head is longer than ${longestHead} bytes`)
      else if (!mayBecomeResponseHead(bytes, from)) this.#fail('malformed', 'the response does not begin with HTTP/1.1')
      else this.#pending = Buffer.from(bytes.subarray(from))
      return from
    }
    const head = parseResponseHead(bytes.toString('latin1', from, end - 2), this.#handler!.method)
    if (typeof head === 'string') this.#fail('malformed', head)
    else if (head.status === 101) this.#handler!.upgraded(head, Buffer.from(bytes.subarray(end)))
    else if (head.status < 200) this.#takeInterim(head)
    else this.#begin(head, end === bytes.length)
    return end
  }

  #takeInterim(head: ResponseHead): void {
    if (++this.#interims > mostInterims) this.#fail('malformed', `more than ${mostInterims} interim responses`)
    else this.#handler!.interim(head)
  }

  #begin(head: ResponseHead, nothingFollows: boolean): void {
    this.#head = head
    this.#body = readerFor(head.framing)
    this.#handler!.head(head)
    if (this.#body.done) this.#complete(nothingFollows)
  }

  #takeBody(bytes: Buffer, from: number): number {
    const body = this.#body!
    const end = body.read(bytes, from, this.#onBody)
    if (end === -1) this.#fail('malformed', 'a chunk of the body is malformed')
    else if (body.done) this.#complete(end === bytes.length)
    return end === -1 ? bytes.length : end
  }

  /**
   * @param nothingFollows bytes after a response belong to no request: such a connection is not
   *   used again
   */
  #complete(nothingFollows: boolean): void {
    const [handler, head, body] = [this.#handler!, this.#head!, this.#body!]
    this.#handler = this.#head = this.#body = undefined
    this.#interims = 0
    this.#idleSince = turnTime()
    this.#usableUntil = this.#idleSince + keptFor(head)
    const alive = !this.#socket.readableEnded && !this.#socket.unheard
    handler.complete(body.trailers, head.keepAlive && nothingFollows && alive)
  }

  #ended(): void {
    if (this.#handler !== undefined && this.#head?.framing.kind === 'close') this.#complete(false)
    this.#fail('closed', 'the connection was closed')
  }

  #lost(reason: string): void {
    this.#fail(this.#connected ? 'closed' : 'refused', reason)
  }

  #fail(kind: UpstreamFailure['kind'], reason: string): void {
    const handler = this.#handler
    this.destroy()
    handler?.failed({ kind, reason })
  }
}

/**
 * `Keep-Alive: timeout=5` says when the app will close; a second less leaves time for the way
 * there.
 */
function keptFor(head: ResponseHead): number {
  const value = head.fields.find(({ key }) => key === 'keep-alive')?.value
  const seconds = value === undefined ? undefined : /\btimeout=(\d{1,5})\b/.exec(value)?.[1]
  return seconds === undefined ? keptByDefault : Math.min(Number(seconds) * 1000 - 1000, keptAtMost)
}
