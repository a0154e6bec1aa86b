import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { AppId } from '../../model/ids.ts'
import type { Caller } from '../caller.ts'
import type { RouterContext } from '../context.ts'
import { formatAnswer } from '../error-page.ts'
import { Exchange } from '../exchange.ts'
import { parseFields, type Field } from '../http/fields.ts'
import { noBody } from '../http/framing.ts'
import type { Outbox } from '../http/outbox.ts'
import { Intake } from '../intake.ts'
import { owned } from '../loans.ts'
import { noteRefusal } from '../refused-request.ts'
import { answerFor, answerForRefusal, type Answer } from '../router-error.ts'
import type { Visitor } from '../visitor.ts'
import { formatGrpcAnswer, isGrpc } from './grpc.ts'
import { http2 } from './node-http2.ts'
import { readStreamRequest } from './request-head.ts'
import { StreamOutbox } from './stream-outbox.ts'

const nothing = Buffer.alloc(0)
// oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
const ignore = (): void => {}

export type StreamVisitorDeps = {
  context: RouterContext
  stream: ServerHttp2Stream
  caller: Caller
  /** Of the connection's handshake. */
  sni: string | undefined
  /** Grows with what comes for this request. */
  use: { bytes: number }
}

/** A frame's head, and an update of a window. */
const perPiece = 100
/** What may be on its way when a client is told to send no more: RFC 9113 section 6.9.2. */
const window = 65_535 + 50 * perPiece

/** One request on a stream of HTTP/2, and its answer. */
export class StreamVisitor implements Visitor {
  readonly caller: Caller
  readonly outbox: StreamOutbox
  app: AppId | undefined
  /** Among those of its connection. */
  place = -1
  requestComplete = false
  /** It has to wait. */
  held = true
  exchange: Exchange | undefined
  readonly #deps: StreamVisitorDeps
  #deadline = Infinity
  #trailers: Field[] | undefined = []
  readonly #onDrain = (): void => this.exchange?.visitorDrained()
  readonly #onClose = (): void => this.#left()

  constructor(deps: StreamVisitorDeps) {
    const { stream, caller } = deps
    this.#deps = deps
    this.caller = caller
    this.outbox = new StreamOutbox(stream)
    stream.on('error', ignore).on('drain', this.#onDrain).on('close', this.#onClose)
  }

  /** @param raw its head, as Node decoded it; `isWhole`: there is no body */
  begin(raw: string[], isWhole: boolean): void {
    const { context, sni } = this.#deps
    context.counters.requests++
    const { text, request, isTunnel } = readStreamRequest(raw, { isWhole, longest: context.limits.headBytes })
    this.outbox.isTunnel = isTunnel
    this.requestComplete = isWhole || isTunnel
    if ('refused' in request) return this.#refuse(answerForRefusal(request.refused, request.reason), text)
    // RFC 9110 section 15.5.20: the certificate that was shown is another host's.
    if (sni !== undefined && sni !== request.host) return this.#refuse(answerFor('H31'), text)
    if (!this.caller.begin(request)) return this.#refuse(answerFor('H22'), text)
    this.exchange = new Exchange(context, this, request)
    if (!isTunnel) this.#readBody()
    this.exchange.start()
    if (this.exchange?.ready) this.proceed()
  }

  expire(milliseconds: number): void {
    this.#deadline = performance.now() + milliseconds
  }

  /** Called now and then: acts when time is up. */
  checkTime(now: number): void {
    if (now < this.#deadline) return
    this.#deadline = Infinity
    if (this.exchange !== undefined) this.exchange.timedOut()
    else this.#deps.stream.close(http2().constants.NGHTTP2_CANCEL)
  }

  hold(): void {
    this.held = true
    this.#deps.stream.pause()
  }

  proceed(): void {
    if (this.outbox.isTunnel) return
    this.held = false
    this.#deps.stream.resume()
    this.exchange?.flushRequest()
  }

  answer(answer: Answer, requestId: string): void {
    const request = this.exchange?.request
    const isForGrpc = request !== undefined && isGrpc(request)
    const page = { request, requestId, keptFor: undefined }
    this.outbox.text(isForGrpc ? formatGrpcAnswer(answer, requestId) : formatAnswer(answer, page))
    this.outbox.bodyEnd(noBody, [])
    this.finished()
  }

  /** RFC 9113 section 8.1: what is still to come of the request is not wanted any more. */
  finished(): void {
    const { stream, context, use } = this.#deps
    this.exchange = undefined
    this.caller.end()
    this.expire(context.limits.app.idle)
    if (this.requestComplete || stream.destroyed) return
    use.bytes += window
    // What waits to be read would be kept from the window of the whole connection.
    stream.resume()
    if (stream.writableFinished) stream.close()
    else stream.once('finish', () => stream.close())
  }

  breakOff(): void {
    this.outbox.flush()
    if (!this.requestComplete) this.#deps.use.bytes += window
    // `close` would end the answer first, as if it were complete.
    this.#deps.stream.destroy(new Error('the answer broke off'))
  }

  detach(): { outbox: Outbox<Duplex>; intake: Intake; rest: Buffer } {
    const { stream } = this.#deps
    stream.off('drain', this.#onDrain).off('close', this.#onClose)
    this.#countData()
    const intake = new Intake(ignore)
    intake.attach(stream)
    return { outbox: this.outbox.data as unknown as Outbox<Duplex>, intake, rest: nothing }
  }

  #readBody(): void {
    const { stream } = this.#deps
    this.#countData()
    stream.on('data', (data: Buffer) => {
      this.exchange?.requestBody(data, owned)
      this.exchange?.flushRequest()
    })
    stream.on('trailers', (_, __, raw) => (this.#trailers = fieldsOf(raw)))
    stream.on('end', () => this.#ended())
    stream.pause()
  }

  #countData(): void {
    const { stream, use } = this.#deps
    stream.on('data', ({ length }: Buffer) => (use.bytes += length + perPiece))
  }

  #ended(): void {
    if (this.requestComplete) return
    this.requestComplete = true
    const { exchange } = this
    if (exchange === undefined) return
    if (this.#trailers === undefined) return exchange.refuse(answerForRefusal(400, 'a trailer is malformed'))
    exchange.requestEnd(this.#trailers)
    exchange.flushRequest()
  }

  #refuse(answer: Answer, head: string): void {
    const { context } = this.#deps
    this.answer(answer, noteRefusal(context, { head, answer, origin: this.caller }))
  }

  #left(): void {
    const { exchange } = this
    this.exchange = undefined
    this.outbox.data.drop()
    exchange?.visitorLeft()
    this.caller.end()
  }
}

function fieldsOf(raw: string[]): Field[] | undefined {
  let text = ''
  for (let at = 0; at < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`
  return parseFields(text, 0)
}
