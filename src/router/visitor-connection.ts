import type { BodyReader } from './http/framing.ts'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { RouterContext } from './context.ts'
import { formatAnswer } from './error-page.ts'
import { Exchange } from './exchange.ts'
import { formatOrigin } from './forward.ts'
import { readerFor } from './http/body-reader.ts'
import { findHeadEnd, hasBareNewline } from './http/head-end.ts'
import { Outbox } from './http/outbox.ts'
import { parseRequestHead, type RequestHead } from './http/request-head.ts'
import type { Origin } from './origin.ts'
import { logRefusal } from './refused-request.ts'
import { answerFor, answerForRefusal, type Answer } from './router-error.ts'
import { readFirstLine } from './tls/first-line.ts'
import type { Arrival, Rendezvous, Visitor } from './visitor.ts'

const nothing = Buffer.alloc(0)

/** One connection from a visitor: reads its requests one by one, each after the last answer. */
export class VisitorConnection implements Visitor {
  address: string
  scheme: 'http' | 'https'
  origin: string
  readonly outbox: Outbox
  readonly #context: RouterContext
  readonly #connection: Origin
  /** The other end is a trusted proxy: what it says about each request is believed. */
  readonly #believed: boolean
  /** The visitor behind it whose request is in progress. */
  #counted: string | undefined
  readonly #sni: string | undefined
  /** Undefined once it is known that this connection speaks HTTP. */
  #rendezvous: Rendezvous | undefined
  #deadline = 0
  #state: 'reading' | 'closing' | 'detached' = 'reading'
  /** There are too many: it is given back at once. */
  #unwanted = false
  /** Received, but not taken yet: an incomplete head, or what must wait for the exchange. */
  #pending: Buffer = nothing
  #headBegan = false
  #exchange: Exchange | undefined
  #body: BodyReader | undefined
  readonly #onBody = (data: Buffer): void => this.#exchange?.requestBody(data)
  readonly #listeners = {
    data: (chunk: Buffer): void => this.#receive(chunk),
    drain: (): void => (this.#exchange === undefined ? this.#drained() : this.#exchange.visitorDrained()),
    end: (): void => this.#left(),
    close: (): void => this.#left(),
  }

  constructor(context: RouterContext, socket: Socket, { peer, secure }: Arrival) {
    this.#context = context
    this.#sni = secure?.sni
    this.#rendezvous = secure?.rendezvous
    this.#connection = context.origins.ofConnection(peer, { secure: secure !== undefined, port: socket.localPort ?? 0 })
    this.#believed = context.origins.isTrusted(peer.address)
    this.address = this.#connection.address
    this.scheme = this.#connection.scheme
    this.origin = formatOrigin(this.#connection)
    this.outbox = new Outbox(socket, { borrowed: true })
    this.expire(context.limits.keepAlive)
    // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
    socket.on('error', () => {})
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener)
  }

  get requestComplete(): boolean {
    return this.#body === undefined || this.#body.done
  }

  get exchange() {
    return this.#exchange
  }

  expire(milliseconds: number): void {
    this.#deadline = performance.now() + milliseconds
  }

  /** Called now and then: acts when time is up. */
  checkTime(now: number): void {
    if (now < this.#deadline) return
    this.#deadline = Infinity
    if (this.#exchange !== undefined) this.#exchange.timedOut()
    else if (this.#state === 'reading' && this.#pending.length > 0)
      this.#refuse(answerForRefusal(408, 'its head did not arrive in time'), this.#pending.toString('latin1'))
    else this.outbox.socket.destroy()
  }

  /** Closes when no request is in progress, after what is still to be sent. */
  closeIfIdle(): void {
    if (this.#state === 'reading' && this.#exchange === undefined && this.#pending.length === 0) this.#close()
  }

  hold(): void {
    this.outbox.socket.pause()
  }

  proceed(): void {
    if (this.#state !== 'reading') return
    this.outbox.socket.resume()
    const bytes = this.#pending
    this.#pending = nothing
    this.#consume(bytes)
  }

  answer(answer: Answer, requestId: string | undefined): void {
    const request = this.#exchange?.request
    this.#unwanted = answer.code === 'H22'
    const mayStay = request?.upgrade === undefined && this.requestComplete && !this.#context.stopping
    const keepAlive = request?.keepAlive === true && mayStay && !this.#unwanted
    const keptFor = keepAlive ? this.#context.limits.keepAlive : undefined
    this.outbox.text(formatAnswer(answer, { request, requestId, keptFor }))
    this.outbox.flush()
    this.finished(keepAlive)
  }

  finished(keepAlive: boolean): void {
    this.#exchange = undefined
    this.#forgetVisitor()
    if (this.#state === 'detached') return
    if (!keepAlive) return this.#close()
    this.#body = undefined
    this.#awaitNext()
    // Not at once: the answer may be complete before its request is.
    if (this.outbox.socket.isPaused()) setImmediate(() => this.proceed())
  }

  detach(): { socket: Socket; rest: Buffer } {
    const { socket } = this.outbox
    this.#state = 'detached'
    for (const [event, listener] of Object.entries(this.#listeners)) socket.off(event, listener)
    return { socket, rest: this.#pending }
  }

  /** What was left of the last answer is sent. */
  #drained(): void {
    this.#awaitNext()
    this.proceed()
  }

  /** Stays open for longer than announced, for a request that the client is just sending. */
  #awaitNext(): void {
    const { keepAlive, keepAliveGrace } = this.#context.limits
    this.expire(keepAlive + keepAliveGrace)
  }

  #receive(chunk: Buffer): void {
    if (this.#state !== 'reading') return
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = nothing
    this.#consume(bytes)
  }

  #consume(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && this.#state === 'reading') {
      const next = this.#exchange === undefined ? this.#takeHead(bytes, at) : this.#takeBody(bytes, at, this.#exchange)
      if (next === at) {
        this.#pending = at === 0 ? bytes : bytes.subarray(at)
        break
      }
      at = next
    }
    this.#exchange?.flushRequest()
  }

  /** @returns `from` when the bytes have to wait */
  #takeHead(bytes: Buffer, from: number): number {
    if (this.#rendezvous !== undefined && !this.#isHttp(bytes, this.#rendezvous)) return from
    // A client that does not read its answers gets no more of them.
    if (this.outbox.full) return this.#wait(from)
    // RFC 9112 section 2.2: an empty line before a request is ignored.
    if (bytes[from] === 0x0d && bytes[from + 1] === 0x0a) return from + 2
    const end = findHeadEnd(bytes, from)
    const { headBytes } = this.#context.limits
    if ((end === -1 ? bytes.length : end) - from > headBytes) {
      return this.#refuseHead(431, `its head is longer than ${headBytes} bytes`, bytes, from)
    }
    if (end === -1 && hasBareNewline(bytes, from)) {
      return this.#refuseHead(400, 'a line of its head ends with LF alone', bytes, from)
    }
    if (end === -1) return this.#waitForHead(from)
    this.#headBegan = false
    this.#begin(bytes.toString('latin1', from, end - 2))
    return end
  }

  /** Whether these first bytes can only be HTTP; they wait while they may be a token. */
  #isHttp(bytes: Buffer, rendezvous: Rendezvous): boolean {
    const reading = readFirstLine(bytes)
    if (reading === 'http') this.#rendezvous = undefined
    else if (reading === 'undecided') this.#waitForHead(0)
    else {
      this.#deadline = Infinity
      rendezvous(this.detach().socket, bytes)
    }
    return reading === 'http'
  }

  /** The time limit counts from the first byte, however slowly the rest drips in. */
  #waitForHead(from: number): number {
    if (!this.#headBegan) this.expire(this.#context.limits.head)
    this.#headBegan = true
    return from
  }

  #wait(from: number): number {
    this.hold()
    return from
  }

  #begin(head: string): void {
    this.#context.counters.requests++
    const request = parseRequestHead(head)
    if ('refused' in request) return this.#refuse(answerForRefusal(request.refused, request.reason), head)
    // RFC 9110 section 15.5.20: the certificate that was shown is another host's.
    if (this.#sni !== undefined && this.#sni !== request.host) return this.#refuse(answerFor('H31'), head)
    if (this.#believed && !this.#believe(request)) return this.#refuse(answerFor('H22'), head)
    this.#body = request.framing.kind === 'none' ? undefined : readerFor(request.framing)
    this.#exchange = new Exchange(this.#context, this, request)
    this.#exchange.start()
  }

  /** @returns false if the visitor has as many requests in progress as it may have connections */
  #believe({ fields }: RequestHead): boolean {
    const { origins, addresses } = this.#context
    const origin = origins.ofRequest(fields, this.#connection)
    this.#tell(origin)
    if (origins.isTrusted(origin.address)) return true
    if (!addresses.add(origin.address)) return false
    this.#counted = origin.address
    return true
  }

  #forgetVisitor(): void {
    if (!this.#believed) return
    if (this.#counted !== undefined) this.#context.addresses.remove(this.#counted)
    this.#counted = undefined
    this.#tell(this.#connection)
  }

  #tell(origin: Origin): void {
    this.address = origin.address
    this.scheme = origin.scheme
    this.origin = formatOrigin(origin)
  }

  /** @returns `from` when the bytes have to wait */
  #takeBody(bytes: Buffer, from: number, exchange: Exchange): number {
    if (this.#body === undefined || this.#body.done || !exchange.ready) return this.#wait(from)
    const end = this.#body.read(bytes, from, this.#onBody)
    if (end === -1) this.#malformedBody(exchange)
    else if (this.#body.done) exchange.requestEnd(this.#body.trailers)
    return end === -1 ? bytes.length : end
  }

  #malformedBody(exchange: Exchange): void {
    this.#context.counters.refusedRequests++
    exchange.refuse(answerForRefusal(400, 'a chunk of its body is malformed'))
  }

  /** @returns the offset after what is not read any more */
  #refuseHead(status: number, reason: string, bytes: Buffer, from: number): number {
    this.#refuse(answerForRefusal(status, reason), bytes.toString('latin1', from))
    return bytes.length
  }

  #refuse(answer: Answer, head: string): void {
    const { counters } = this.#context
    counters.refusedRequests++
    if (answer.code !== undefined) counters.error(answer.code)
    const id = randomUUID()
    logRefusal(this.#context, { head, answer, requestId: id, origin: this })
    this.answer(answer, id)
  }

  #left(): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#state = 'closing'
    exchange?.visitorLeft()
    this.#forgetVisitor()
    this.outbox.socket.destroySoon()
  }

  /**
   * Closes after everything was sent. Further input is read and dropped for a while: closing with
   * unread bytes would reset the answer on its way.
   */
  #close(): void {
    this.#state = 'closing'
    const { app, linger } = this.#context.limits
    this.expire(app.idle)
    this.outbox.socket.end(() => this.expire(this.#unwanted ? 0 : linger))
    this.outbox.socket.resume()
  }
}
