import { Attempts } from './attempts.ts'
import type { RouterContext } from './context.ts'
import { formatInterimHead, formatRequestHead, formatResponseHead, formatUpgradeHead, safeTrailers } from './forward.ts'
import type { HeldRequest } from './held-requests.ts'
import type { Field } from './http/fields.ts'
import { framingTowards, noBody, type Framing } from './http/framing.ts'
import { isRepeatable, type RequestHead } from './http/request-head.ts'
import type { ResponseHead } from './http/response-head.ts'
import type { ByteSource } from './loans.ts'
import { Holding } from './holding.ts'
import { RequestAccount } from './request-account.ts'
import { requestId } from './request-id.ts'
import { answerFor, type Answer, type RouterCode } from './router-error.ts'
import { Tunnel } from './tunnel.ts'
import type { ResponseHandler, UpstreamFailure } from './upstream.ts'
import type { Visitor } from './visitor.ts'

const controlRetryInterval = 100

/** One request in the router: get a connection, send, pass the response on. */
export class Exchange implements ResponseHandler, HeldRequest {
  readonly request: RequestHead
  readonly requestId: string
  readonly #context: RouterContext
  readonly #visitor: Visitor
  readonly #attempts: Attempts
  readonly #account: RequestAccount
  #phase: 'held' | 'connecting' | 'waiting' | 'responding' | 'tunnel' | 'done' = 'connecting'
  #framing: Framing = noBody
  #keepAlive: boolean
  #tunnel: Tunnel | undefined
  #holding: Holding | undefined

  constructor(context: RouterContext, visitor: Visitor, request: RequestHead) {
    this.#context = context
    this.#visitor = visitor
    this.request = request
    this.requestId = requestId(request.fields)
    this.#attempts = new Attempts(context, visitor, request)
    this.#account = new RequestAccount(context, this.requestId, this.#attempts)
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
    if (this.#attempts.upstream?.reused) this.#send()
    else this.#visitor.expire(this.#attempts.connectLimit)
  }

  requestBody(data: Buffer, source: ByteSource): void {
    if (this.#attempts.upstream === undefined) return
    const tooLarge = this.#attempts.takeBody(data.length)
    if (tooLarge !== undefined) return this.refuse(tooLarge)
    this.#attempts.upstream.outbox.body(this.request.framing, data, source)
    this.#visitor.expire(this.#attempts.limits.idle)
  }

  requestEnd(trailers: Field[]): void {
    this.#attempts.upstream?.outbox.bodyEnd(this.request.framing, safeTrailers(trailers))
    if (this.#phase === 'waiting') this.#visitor.expire(this.#attempts.answerTime)
  }

  /** What the visitor's last read brought has been handed over. */
  flushRequest(): void {
    const outbox = this.#attempts.upstream?.outbox
    if (outbox === undefined || !this.ready) return
    outbox.flushSoon()
    if (outbox.full) this.#visitor.hold()
  }

  /** The visitor takes more of the response. */
  visitorDrained(): void {
    this.#visitor.expire(this.#attempts.limits.idle)
    this.#attempts.upstream?.socket.resume()
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
        return this.#attempts.upstream?.outbox.full ? this.#fail('H15') : this.#breakOff('H28')
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
    this.#account.status = 101
    const { outbox } = this.#visitor
    outbox.text(formatUpgradeHead(head, this.#attempts.bindingLine))
    outbox.flush()
    const { rest: fromClient, ...client } = this.#visitor.detach()
    this.#visitor.expire(this.#attempts.limits.idle)
    this.#tunnel = new Tunnel({
      client,
      upstream: this.#attempts.upstream!.detach(),
      target: this.#attempts.target!,
      websocket: /^websocket$/i.test(this.request.upgrade),
      onActivity: () => this.#visitor.expire(this.#attempts.limits.idle),
      onClosed: (bytes, code) => this.#tunnelClosed(bytes, code),
    })
    this.#tunnel.push({ fromClient, fromUpstream: rest })
  }

  head(head: ResponseHead): void {
    this.#phase = 'responding'
    this.#account.status = head.status
    this.#framing = framingTowards(this.request.version, head.framing)
    this.#keepAlive &&= this.#framing.kind !== 'close' && !this.#context.stopping
    const { date, limits } = this.#context
    const keptFor = this.#keepAlive ? limits.keepAlive : undefined
    const { hsts, bindingLine: more } = this.#attempts
    this.#visitor.outbox.text(formatResponseHead(head, { framing: this.#framing, keptFor, date, hsts, more }))
  }

  body(data: Buffer, source: ByteSource): void {
    this.#account.bytes += data.length
    this.#visitor.outbox.body(this.#framing, data, source)
  }

  complete(trailers: Field[], reusable: boolean): void {
    const { outbox, requestComplete } = this.#visitor
    outbox.bodyEnd(this.#framing, safeTrailers(trailers))
    outbox.flushSoon()
    this.#attempts.release(reusable && requestComplete)
    this.#end(undefined, this.#account.status)
    this.#visitor.finished(this.#keepAlive && requestComplete)
  }

  flush(): void {
    const { outbox } = this.#visitor
    outbox.flushSoon()
    if (outbox.full) this.#attempts.upstream?.socket.pause()
    if (this.#phase === 'responding') this.#visitor.expire(this.#attempts.limits.idle)
  }

  drained(): void {
    this.#visitor.proceed()
  }

  failed({ kind }: UpstreamFailure): void {
    if (kind === 'refused') return this.#refused('H21')
    if (this.#phase === 'waiting' && this.#attempts.upstream?.reused && isRepeatable(this.request)) return this.#again()
    if (this.#phase === 'waiting' && kind === 'closed' && this.#attempts.diedTakingOver()) return this.#elsewhere()
    this.#broken(kind === 'malformed' ? 'H17' : this.#phase === 'waiting' ? 'H13' : 'H18')
  }

  get target() {
    return this.#attempts.target
  }

  /** A head with a body leaves together with the body's first piece, in `flushRequest`. */
  #send(): void {
    const { caller, requestComplete } = this.#visitor
    this.#account.connected()
    this.#phase = 'waiting'
    const { outbox } = this.#attempts.upstream!
    outbox.text(formatRequestHead(this.request, this.requestId, caller.lines))
    this.#visitor.expire(requestComplete ? this.#attempts.answerTime : this.#attempts.limits.idle)
    if (requestComplete) outbox.flushSoon()
  }

  #refused(code: 'H19' | 'H21'): void {
    this.#attempts.refused(code)
    if (this.#attempts.destination?.patient) {
      this.#attempts.forget()
      return this.#hold(true)
    }
    const { elapsed } = this.#account
    if (elapsed > this.#attempts.limits.firstByte) return this.#fail(code)
    if (!this.#attempts.isControl) return this.#elsewhere()
    if (elapsed < this.#attempts.limits.connect) this.#waitForControl()
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
    this.#end(code, code === 'H27' || code === 'H28' ? 499 : this.#account.status)
    this.#visitor.breakOff()
  }

  #fail(code: RouterCode): void {
    this.#answer(answerFor(this.#attempts.isControl && code !== 'H12' ? 'H99' : code))
  }

  #answer(answer: Answer): void {
    this.#holding?.end()
    this.#attempts.release(false)
    this.#end(answer.code, answer.status, answer.refusal)
    const shown = this.#context.pages?.replace(answer, this.#attempts.destination?.pages) ?? answer
    this.#visitor.answer(shown, this.requestId)
  }

  #tunnelClosed(bytes: number, code: RouterCode | undefined): void {
    this.#account.bytes = bytes
    this.#attempts.target!.end()
    this.#end(code, 101)
    this.#visitor.finished(false)
  }

  #end(code: RouterCode | undefined, status: number, refusal?: string): void {
    if (this.#phase === 'done') return
    this.#phase = 'done'
    this.#account.close({ code, status, refusal })
  }
}
