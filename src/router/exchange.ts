import { Attempts } from './attempts.ts'
import type { RouterContext } from './context.ts'
import { formatInterimHead, formatRequestHead, formatResponseHead, formatUpgradeHead, safeTrailers } from './forward.ts'
import type { HeldRequest } from './held-requests.ts'
import type { Field } from './http/fields.ts'
import { framingTowards, noBody, type Framing } from './http/framing.ts'
import { deadlineOf } from './http2/grpc.ts'
import { isRepeatable, type RequestHead } from './http/request-head.ts'
import type { ResponseHead } from './http/response-head.ts'
import type { ByteSource } from './loans.ts'
import { Holding } from './holding.ts'
import { requestId } from './request-id.ts'
import { recordRequest } from './request-log.ts'
import { answerFor, type Answer, type RouterCode } from './router-error.ts'
import { Tunnel } from './tunnel.ts'
import type { ResponseHandler, UpstreamFailure } from './upstream.ts'
import type { Visitor } from './visitor.ts'

const controlRetryInterval = 100

/** One request in the router: get a connection, send, pass the response on, log. */
export class Exchange implements ResponseHandler, HeldRequest {
  readonly request: RequestHead
  readonly requestId: string
  readonly #context: RouterContext
  readonly #visitor: Visitor
  readonly #attempts: Attempts
  #phase: 'held' | 'connecting' | 'waiting' | 'responding' | 'tunnel' | 'done' = 'connecting'
  #framing: Framing = noBody
  #keepAlive: boolean
  #status = 0
  #bytes = 0
  /** Bytes that the request's body may still have. */
  #bodyLeft = Infinity
  readonly #startedAt = performance.now()
  #connectedAt: number | undefined
  #tunnel: Tunnel | undefined
  #holding: Holding | undefined

  constructor(context: RouterContext, visitor: Visitor, request: RequestHead) {
    this.#context = context
    this.#visitor = visitor
    this.request = request
    this.requestId = requestId(request.fields)
    this.#attempts = new Attempts(context, visitor, request)
    // Bytes after a refused upgrade may be a request or the tunnel's first bytes.
    this.#keepAlive = request.keepAlive && request.upgrade === undefined
  }

  get method(): string {
    return this.request.method
  }

  /** Part of the response may have left. */
  get answered(): boolean {
    return this.#phase === 'responding'
  }

  /** The body can be sent on. */
  get ready(): boolean {
    return this.#phase !== 'connecting' && this.#phase !== 'held'
  }

  start(): void {
    const own = this.#context.proofs.answerTo(this.request)
    if (own !== undefined) return this.#answer(own)
    this.#phase = 'connecting'
    const answer = this.#attempts.next(this)
    if (answer === 'held') return this.#hold(false)
    if (answer !== undefined) return this.#answer(answer)
    this.#bodyLeft = this.#attempts.destination!.edge?.bodyBytes ?? Infinity
    if (this.#upstream?.reused) this.#send()
    else this.#visitor.expire(this.#attempts.connectLimit)
  }

  requestBody(data: Buffer, source: ByteSource): void {
    if (this.#upstream === undefined) return
    if ((this.#bodyLeft -= data.length) < 0) return this.refuse(this.#attempts.destination!.edge!.tooLarge())
    this.#upstream.outbox.body(this.request.framing, data, source)
    this.#visitor.expire(this.#limits.idle)
  }

  requestEnd(trailers: Field[]): void {
    this.#upstream?.outbox.bodyEnd(this.request.framing, safeTrailers(trailers))
    if (this.#phase === 'waiting') this.#visitor.expire(this.#answerTime)
  }

  /** What the visitor's last read brought has been handed over. */
  flushRequest(): void {
    const outbox = this.#upstream?.outbox
    if (outbox === undefined || !this.ready) return
    outbox.flush()
    if (outbox.full) this.#visitor.hold()
  }

  /** The visitor takes more of the response. */
  visitorDrained(): void {
    this.#visitor.expire(this.#limits.idle)
    this.#upstream?.socket.resume()
  }

  visitorLeft(): void {
    if (this.#phase === 'tunnel') return
    this.#holding?.end()
    this.#attempts.release(false)
    this.#end('H27', 499)
  }

  /** The rest of the request must not be passed on. */
  refuse(answer: Answer): void {
    if (this.answered) this.#breakOff('H27')
    else this.#answer(answer)
  }

  timedOut(): void {
    switch (this.#phase) {
      case 'held':
        return this.#fail('H90')
      case 'connecting':
        return this.#refused('H19')
      case 'waiting':
        if (this.#visitor.requestComplete) return this.#fail('H12')
        return this.#upstream?.outbox.full ? this.#fail('H15') : this.#breakOff('H28')
      case 'responding':
        return this.#breakOff(this.#visitor.outbox.full || !this.#visitor.requestComplete ? 'H28' : 'H15')
      case 'tunnel':
        return this.#tunnel?.destroy('H15')
      case 'done':
    }
  }

  /** The route that it waits for may be there. */
  proceed(): void {
    if (this.#phase !== 'held') return
    this.#holding?.end()
    this.#elsewhere()
  }

  connected(): void {
    this.#send()
    if (!this.#visitor.requestComplete) this.#visitor.proceed()
  }

  interim(head: ResponseHead): void {
    if (this.request.version === 1) this.#visitor.outbox.text(formatInterimHead(head))
  }

  upgraded(head: ResponseHead, rest: Buffer): void {
    if (this.request.upgrade === undefined || !this.#visitor.requestComplete) return this.#broken('H17')
    this.#phase = 'tunnel'
    this.#status = 101
    const { outbox } = this.#visitor
    outbox.text(formatUpgradeHead(head))
    outbox.flush()
    const { rest: fromClient, ...client } = this.#visitor.detach()
    this.#visitor.expire(this.#limits.idle)
    this.#tunnel = new Tunnel({
      client,
      upstream: this.#upstream!.detach(),
      target: this.#attempts.target!,
      websocket: /^websocket$/i.test(this.request.upgrade),
      onActivity: () => this.#visitor.expire(this.#limits.idle),
      onClosed: (bytes, code) => this.#tunnelClosed(bytes, code),
    })
    this.#tunnel.push({ fromClient, fromUpstream: rest })
  }

  head(head: ResponseHead): void {
    this.#phase = 'responding'
    this.#status = head.status
    this.#framing = framingTowards(this.request.version, head.framing)
    this.#keepAlive &&= this.#framing.kind !== 'close' && !this.#context.stopping
    const { date, limits } = this.#context
    const keptFor = this.#keepAlive ? limits.keepAlive : undefined
    const { https, edge } = this.#attempts.destination!
    const secure = this.#visitor.caller.scheme === 'https'
    const hsts = secure ? https.hsts(this.request.host) : ''
    const more = edge?.bindingLine(this.request, this.#attempts.target, { secure })
    this.#visitor.outbox.text(formatResponseHead(head, { framing: this.#framing, keptFor, date, hsts, more }))
  }

  body(data: Buffer, source: ByteSource): void {
    this.#bytes += data.length
    this.#visitor.outbox.body(this.#framing, data, source)
  }

  complete(trailers: Field[], reusable: boolean): void {
    const { outbox, requestComplete } = this.#visitor
    outbox.bodyEnd(this.#framing, safeTrailers(trailers))
    outbox.flush()
    this.#attempts.release(reusable && requestComplete)
    this.#end(undefined, this.#status)
    this.#visitor.finished(this.#keepAlive && requestComplete)
  }

  flush(): void {
    const { outbox } = this.#visitor
    outbox.flush()
    if (outbox.full) this.#upstream?.socket.pause()
    if (this.#phase === 'responding') this.#visitor.expire(this.#limits.idle)
  }

  drained(): void {
    this.#visitor.proceed()
  }

  failed({ kind }: UpstreamFailure): void {
    if (kind === 'refused') return this.#refused('H21')
    if (this.#phase === 'waiting' && this.#upstream?.reused && isRepeatable(this.request)) return this.#again()
    if (this.#phase === 'waiting' && kind === 'closed' && this.#attempts.diedTakingOver()) return this.#elsewhere()
    this.#broken(kind === 'malformed' ? 'H17' : this.#phase === 'waiting' ? 'H13' : 'H18')
  }

  get target() {
    return this.#attempts.target
  }

  get #upstream() {
    return this.#attempts.upstream
  }

  get #limits() {
    return this.#attempts.destination!.limits
  }

  /** A client of gRPC says how long it waits itself. */
  get #answerTime(): number {
    const { firstByte } = this.#limits
    return this.target?.isH2c === true ? Math.min(firstByte, deadlineOf(this.request)) : firstByte
  }

  /** It is the control plane that was asked for. */
  get #isControl(): boolean {
    return this.#attempts.destination?.app === undefined
  }

  /** A head with a body leaves together with the body's first piece, in `flushRequest`. */
  #send(): void {
    const { caller, requestComplete } = this.#visitor
    this.#connectedAt = performance.now()
    this.#phase = 'waiting'
    const { outbox } = this.#upstream!
    outbox.text(formatRequestHead(this.request, this.requestId, caller.lines))
    this.#visitor.expire(requestComplete ? this.#answerTime : this.#limits.idle)
    if (requestComplete) outbox.flush()
  }

  #refused(code: 'H19' | 'H21'): void {
    this.#attempts.refused(code)
    if (this.#attempts.destination?.patient) {
      this.#attempts.forget()
      return this.#hold(true)
    }
    const elapsed = performance.now() - this.#startedAt
    if (elapsed > this.#limits.firstByte) return this.#fail(code)
    if (!this.#isControl) return this.#elsewhere()
    if (elapsed < this.#limits.connect) this.#waitForControl()
    else this.#fail('H99')
  }

  /** Its app's only dyno is being replaced, or has just crashed: it waits for the next one. */
  #hold(again: boolean): void {
    this.#holding ??= new Holding(this.#context, this)
    const left = this.#holding.begin(this.#attempts.destination!.app!.id, { again })
    if (left === 0) return this.#fail('H90')
    this.#phase = 'held'
    this.#visitor.expire(left)
  }

  /** The api restarts in a moment: its callers wait rather than fail. */
  #waitForControl(): void {
    setTimeout(() => {
      if (this.#phase === 'connecting') this.#elsewhere()
    }, controlRetryInterval).unref()
  }

  /** A connection that was kept takes the body, which waits, at once. */
  #elsewhere(): void {
    this.start()
    if (this.#phase === 'waiting') this.#visitor.proceed()
  }

  /** RFC 9110 section 9.2.2. */
  #again(): void {
    this.#phase = 'connecting'
    this.#attempts.again(this)
    this.#visitor.expire(this.#attempts.connectLimit)
  }

  #broken(code: RouterCode): void {
    if (this.#phase === 'responding') this.#breakOff(code)
    else this.#fail(code)
  }

  /** Part of the response was sent: only a broken connection or stream shows what is missing. */
  #breakOff(code: RouterCode): void {
    this.#attempts.release(false)
    this.#end(code, code === 'H27' || code === 'H28' ? 499 : this.#status)
    this.#visitor.breakOff()
  }

  #fail(code: RouterCode): void {
    this.#answer(answerFor(this.#isControl && code !== 'H12' ? 'H99' : code))
  }

  #answer(answer: Answer): void {
    this.#holding?.end()
    this.#attempts.release(false)
    this.#end(answer.code, answer.status, answer.refusal)
    const shown = this.#context.pages?.replace(answer, this.#attempts.destination?.pages) ?? answer
    this.#visitor.answer(shown, this.requestId)
  }

  #tunnelClosed(bytes: number, code: RouterCode | undefined): void {
    this.#bytes = bytes
    this.#attempts.target!.end()
    this.#end(code, 101)
    this.#visitor.finished(false)
  }

  #end(code: RouterCode | undefined, status: number, refusal?: string): void {
    if (this.#phase === 'done') return
    this.#phase = 'done'
    const app = this.#attempts.destination?.app
    if (code !== undefined) this.#context.counters.error(code)
    if (app === undefined) return
    recordRequest(this.#context, {
      appId: app.id,
      request: this.request,
      requestId: this.requestId,
      origin: this.#visitor.caller,
      dyno: this.#attempts.target?.dyno ?? '',
      times: this.#times(),
      status,
      bytes: this.#bytes,
      code,
      refusal,
    })
  }

  #times(): { connect: number; service: number } | undefined {
    const at = this.#connectedAt
    return at === undefined ? undefined : { connect: at - this.#startedAt, service: performance.now() - at }
  }
}
