import type { BodyReader } from './http/framing.ts'
import { Caller } from './caller.ts'
import type { RouterContext } from './context.ts'
import { detached } from './detached.ts'
import { formatAnswer } from './error-page.ts'
import { Exchange } from './exchange.ts'
import { readerFor } from './http/body-reader.ts'
import { findHeadEnd, hasBareNewline } from './http/head-end.ts'
import { Outbox } from './http/outbox.ts'
import { isLast, parseRequestHead, type RequestHead } from './http/request-head.ts'
import { Intake } from './intake.ts'
import { owned, type ByteSource } from './loans.ts'
import { readInto } from './reads.ts'
import { noteRefusal } from './refused-request.ts'
import { answerFor, answerForRefusal, type Answer } from './router-error.ts'
import { readFirstLine } from './tls/first-line.ts'
import { turnTime } from './turn.ts'
import type { Arrival, Rendezvous, Visitor, VisitorSocket } from './visitor.ts'

const nothing = Buffer.alloc(0)
// oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
const ignore = (): void => {}
/** Bytes that are read, and kept, while they have to wait: whoever leaves meanwhile is noticed. */
const mostHeld = 65_536

/** One connection from a visitor: reads its requests one by one, each after the last answer. */
export class VisitorConnection implements Visitor {
  readonly caller: Caller
  readonly outbox: Outbox<VisitorSocket>
  app: Visitor['app']
  /** Among the router's visitors. */
  place = -1
  readonly #context: RouterContext
  readonly #secure: boolean
  readonly #sni: string | undefined
  /** Undefined once it is known that this connection speaks HTTP. */
  #rendezvous: Rendezvous | undefined
  #deadline = 0
  #state: 'reading' | 'closing' | 'detached' = 'reading'
  /** There are too many: it is given back at once. */
  #unwanted = false
  /** Received, but not taken yet: an incomplete head, or what must wait for the exchange. */
  #pending: Buffer = nothing
  /** It has to wait. */
  held = false
  #headBegan = false
  exchange: Exchange | undefined
  #body: BodyReader | undefined
  readonly #intake = new Intake((chunk, source) => this.#receive(chunk, source))
  /** Where what is taken right now is. */
  #source: ByteSource = owned
  readonly #onBody = (data: Buffer): void => this.exchange?.requestBody(data, this.#source)
  readonly #onDrain = (): void => (this.exchange === undefined ? this.#drained() : this.exchange.visitorDrained())
  readonly #onEnd = (): void => this.#left()
  readonly #onClose = (): void => {
    this.outbox.drop()
    this.#left()
  }

  constructor(context: RouterContext, socket: VisitorSocket, { peer, port, secure }: Arrival) {
    this.#context = context
    this.#secure = secure !== undefined
    this.#sni = secure?.sni
    this.#rendezvous = secure?.rendezvous
    const origin = context.origins.ofConnection(peer, { secure: this.#secure, port })
    this.caller = new Caller(context, origin, peer.address)
    this.outbox = new Outbox(socket)
    this.expire(context.limits.keepAlive)
    socket.on('error', ignore).on('drain', this.#onDrain).on('end', this.#onEnd).on('close', this.#onClose)
    if (secure === undefined) readInto(socket, this.#intake.onread)
    this.#intake.attach(socket)
  }

  get requestComplete(): boolean {
    return this.#body === undefined || this.#body.done
  }

  expire(milliseconds: number): void {
    this.#deadline = turnTime() + milliseconds
  }

  /** Called now and then: acts when time is up. */
  checkTime(now: number): void {
    if (now < this.#deadline) return
    this.#deadline = Infinity
    if (this.exchange !== undefined) this.exchange.timedOut()
    else if (this.#state === 'reading' && this.#pending.length > 0)
      this.#refuse(answerForRefusal(408, 'its head did not arrive in time'), this.#pending.toString('latin1'))
    else this.outbox.socket.destroy()
  }

  /** Closes when no request is in progress, after what is still to be sent. */
  closeIfIdle(): void {
    if (this.#state === 'reading' && this.exchange === undefined && this.#pending.length === 0) this.#close()
  }

  hold(): void {
    this.held = true
    this.outbox.socket.pause()
  }

  proceed(): void {
    if (this.#state !== 'reading') return
    this.held = false
    this.outbox.socket.resume()
    const bytes = this.#pending
    this.#pending = nothing
    this.#consume(bytes, owned)
  }

  answer(answer: Answer, requestId: string | undefined): void {
    const request = this.exchange?.request
    this.#unwanted = answer.code === 'H22'
    const mayStay = request?.upgrade === undefined && this.requestComplete && !this.#context.stopping
    const keepAlive = request?.keepAlive === true && mayStay && !this.#unwanted
    const keptFor = keepAlive ? this.#context.limits.keepAlive : undefined
    this.outbox.text(formatAnswer(answer, { request, requestId, keptFor }))
    this.outbox.flush()
    this.finished(keepAlive)
  }

  finished(keepAlive: boolean): void {
    const request = this.exchange?.request
    this.exchange = undefined
    this.caller.end()
    if (this.#state === 'detached') return
    if (!keepAlive) return this.#close(request)
    this.#body = undefined
    this.#awaitNext()
    // Not at once: the answer may be complete before its request is.
    if (this.held) setImmediate(() => this.proceed())
  }

  breakOff(): void {
    this.outbox.flush()
    this.outbox.socket.destroy()
  }

  detach(): { outbox: Outbox; intake: Intake; rest: Buffer } {
    const { socket } = this.outbox
    this.#state = 'detached'
    socket.off('drain', this.#onDrain).off('end', this.#onEnd).off('close', this.#onClose)
    return { outbox: detached(this.outbox, this.#intake), intake: this.#intake, rest: this.#pending }
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

  #receive(chunk: Buffer, source: ByteSource): void {
    if (this.#state !== 'reading') return
    if (this.held) return this.#keep(chunk)
    if (this.#pending.length === 0) return this.#consume(chunk, source)
    const bytes = Buffer.concat([this.#pending, chunk])
    this.#pending = nothing
    this.#consume(bytes, owned)
  }

  #keep(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    if (this.#pending.length >= mostHeld) this.outbox.socket.pause()
  }

  #consume(bytes: Buffer, source: ByteSource): void {
    this.#source = source
    let at = 0
    while (at < bytes.length && this.#state === 'reading') {
      const next = this.exchange === undefined ? this.#takeHead(bytes, at) : this.#takeBody(bytes, at, this.exchange)
      if (next === at) {
        this.#pending = source === owned ? bytes.subarray(at) : Buffer.from(bytes.subarray(at))
        break
      }
      at = next
    }
    this.exchange?.flushRequest()
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
    if (reading === 'http') this.#speaksHttp()
    else if (reading === 'undecided') this.#waitForHead(0)
    else {
      this.#deadline = Infinity
      const { outbox, intake } = this.detach()
      intake.detach(outbox.socket)
      rendezvous(outbox.socket, bytes)
    }
    return reading === 'http'
  }

  #speaksHttp(): void {
    this.#rendezvous = undefined
    readInto(this.outbox.socket, this.#intake.onread)
  }

  /** The time limit counts from the first byte, however slowly the rest drips in. */
  #waitForHead(from: number): number {
    if (!this.#headBegan) this.expire(this.#context.limits.head)
    this.#headBegan = true
    return from
  }

  #wait(from: number): number {
    this.held = true
    return from
  }

  #begin(head: string): void {
    this.#context.counters.requests++
    const request = parseRequestHead(head)
    if ('refused' in request) return this.#refuse(answerForRefusal(request.refused, request.reason), head)
    // RFC 9110 section 15.5.20: the certificate that was shown is another host's.
    if (this.#sni !== undefined && this.#sni !== request.host) return this.#refuse(answerFor('H31'), head)
    if (!this.caller.begin(request)) return this.#refuse(answerFor('H22'), head)
    this.#body = request.framing.kind === 'none' ? undefined : readerFor(request.framing)
    this.exchange = new Exchange(this.#context, this, request)
    this.exchange.start()
  }

  /** @returns `from` when the bytes have to wait */
  #takeBody(bytes: Buffer, from: number, exchange: Exchange): number {
    if (this.#body === undefined || this.#body.done || !exchange.ready) return this.#wait(from)
    const end = this.#body.read(bytes, from, this.#onBody)
    if (end === -1) {
      this.#context.counters.refusedRequests++
      exchange.refuse(answerForRefusal(400, 'a chunk of its body is malformed'))
    } else if (this.#body.done) exchange.requestEnd(this.#body.trailers)
    return end === -1 ? bytes.length : end
  }

  /** @returns the offset after what is not read any more */
  #refuseHead(status: number, reason: string, bytes: Buffer, from: number): number {
    this.#refuse(answerForRefusal(status, reason), bytes.toString('latin1', from))
    return bytes.length
  }

  #refuse(answer: Answer, head: string): void {
    this.answer(answer, noteRefusal(this.#context, { head, answer, origin: this.caller }))
  }

  #left(): void {
    const exchange = this.exchange
    this.exchange = undefined
    this.#state = 'closing'
    exchange?.visitorLeft()
    this.caller.end()
    this.outbox.flush()
    this.outbox.socket.destroySoon()
  }

  /**
   * Closes after everything, the answer to the `last` request, was sent. Further input is read and
   * dropped for a while: closing with unread bytes would reset the answer on its way.
   */
  #close(last?: RequestHead): void {
    this.#state = 'closing'
    // Then nothing is to come. TLS has a last word to say.
    const isOver = last !== undefined && isLast(last) && !this.#secure && this.#pending.length === 0
    if (isOver) this.outbox.closeSoon(() => this.#linger())
    else this.#linger()
  }

  #linger(): void {
    this.outbox.flush()
    const { app, linger } = this.#context.limits
    this.expire(app.idle)
    this.outbox.socket.end(() => this.expire(this.#unwanted ? 0 : linger))
    this.outbox.socket.resume()
  }
}
