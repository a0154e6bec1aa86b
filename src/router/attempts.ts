import { chooseTarget } from './balancer.ts'
import { deadlineOf } from './http2/grpc.ts'
import { isRepeatable, type RequestHead } from './http/request-head.ts'
import { answerFor, codeOfState, unknownHost, type Answer, type RouterCode } from './router-error.ts'
import type { RouterContext } from './context.ts'
import type { TimeLimits } from './limits.ts'
import type { HostDestination } from './live-routes.ts'
import type { LiveTarget } from './target.ts'
import type { AppStream } from './http2/app-stream.ts'
import type { ResponseHandler, Upstream } from './upstream.ts'
import type { Visitor } from './visitor.ts'

/** Milliseconds that a kept connection may have been idle to carry what must not be sent twice. */
const newestForUnsafe = 1_000
/**
 * Milliseconds to take a connection where others are on standby: one that has ended may leave
 * nobody to refuse it.
 */
const connectBesideStandby = 250

type AttemptsContext = Pick<RouterContext, 'routes' | 'appConnections' | 'proofs' | 'tlsPort'>

/** Gets one request a connection to a target, until one takes it. */
export class Attempts {
  destination: HostDestination | undefined
  target: LiveTarget | undefined
  upstream: Upstream | AppStream | undefined
  readonly visitor: Visitor
  readonly request: RequestHead
  readonly #context: AttemptsContext
  readonly #tried: LiveTarget[] = []
  /** What is the matter when no target is left to try. */
  #without: RouterCode = 'H14'
  /** Bytes that the request's body may still have. */
  #bodyLeft = Infinity

  constructor(context: AttemptsContext, visitor: Visitor, request: RequestHead) {
    this.#context = context
    this.visitor = visitor
    this.request = request
  }

  /**
   * Takes a connection to the best target of the route in force now: `upstream`, which may still be
   * connecting.
   * @returns the answer to give if no target is left; `held` if it has to wait for one
   */
  next(handler: ResponseHandler): Answer | 'held' | undefined {
    const { routes, appConnections } = this.#context
    this.destination = routes.find(this.request.host)
    if (this.destination === undefined) return unknownHost
    const { app, state, targets, standby, edge } = this.destination
    if (app !== undefined && !appConnections.claim(this.visitor, app.id)) return answerFor('H22')
    const moved = this.#moved()
    if (moved !== undefined) return moved
    const refused = edge?.judge(this.request, this.visitor.caller.address)
    if (refused !== undefined) return refused
    if (state === 'held') return 'held'
    if (state !== 'up') return answerFor(codeOfState[state])
    const bound = edge?.boundTarget(this.request, targets)
    const target = this.#untried(bound) ?? chooseTarget(targets, this.#tried) ?? chooseTarget(standby, this.#tried)
    if (target === undefined) return answerFor(this.#without)
    this.#take(target, handler, isRepeatable(this.request) ? Infinity : newestForUnsafe)
    this.#bodyLeft = edge?.bodyBytes ?? Infinity
    return undefined
  }

  /** Who comes without TLS may be sent to it, and makes that an app's name gets a certificate. */
  #moved(): Answer | undefined {
    const { proofs, tlsPort } = this.#context
    const { app, https } = this.destination!
    if (app === undefined || tlsPort === undefined || this.visitor.caller.scheme !== 'http') return undefined
    proofs.want(this.request.host)
    return https.redirect(this.request, tlsPort)
  }

  /**
   * The app closed the kept connection while the request was on its way: a new one to the same
   * target.
   */
  again(handler: ResponseHandler): void {
    const target = this.target!
    this.release(false)
    this.#take(target, handler, -1)
  }

  /** It is the control plane that was asked for. */
  get isControl(): boolean {
    return this.destination?.app === undefined
  }

  get limits(): TimeLimits {
    return this.destination!.limits
  }

  /** Milliseconds that the target has to begin its answer: a client of gRPC says them itself. */
  get answerTime(): number {
    const { firstByte } = this.limits
    return this.target?.isH2c === true ? Math.min(firstByte, deadlineOf(this.request)) : firstByte
  }

  /** Part of the body came. @returns the answer to give if it is more than the app takes */
  takeBody(bytes: number): Answer | undefined {
    this.#bodyLeft -= bytes
    return this.#bodyLeft < 0 ? this.destination!.edge!.tooLarge() : undefined
  }

  /** A line that tells browsers to come with TLS only; may be empty. */
  get hsts(): string {
    return this.visitor.caller.scheme === 'https' ? this.destination!.https.hsts(this.request.host) : ''
  }

  /** A line of the answer that binds the visitor to the target, where the app wants that. */
  get bindingLine(): string | undefined {
    const secure = this.visitor.caller.scheme === 'https'
    return this.destination!.edge?.bindingLine(this.request, this.target, { secure })
  }

  /** Milliseconds that the target has to take the connection. */
  get connectLimit(): number {
    const { limits, standby } = this.destination!
    return standby.length > 0 ? Math.min(limits.connect, connectBesideStandby) : limits.connect
  }

  /**
   * It ended before its answer in the moments after it took over: another may be asked.
   * @returns false where that is not so
   */
  diedTakingOver(): boolean {
    if (this.destination!.standby.length === 0 || !isRepeatable(this.request)) return false
    this.#tried.push(this.target!)
    this.release(false)
    this.#without = 'H13'
    return true
  }

  /**
   * The connection did not come about: the only failure after which the request certainly reached
   * nobody.
   */
  refused(code: 'H19' | 'H21'): void {
    const target = this.target!
    this.release(false)
    target.refused()
    this.#without = code
    if (this.destination?.app !== undefined) this.#tried.push(target)
  }

  /** Those that refused it may be asked again. */
  forget(): void {
    this.#tried.length = 0
  }

  /** The request is over; `reusable`: its connection is not. */
  release(reusable: boolean): void {
    const { upstream, target } = this
    this.upstream = undefined
    if (upstream === undefined || target === undefined) return
    if (reusable) target.keep(upstream)
    else upstream.destroy()
    target.end()
  }

  #untried(target: LiveTarget | undefined): LiveTarget | undefined {
    return target === undefined || this.#tried.includes(target) || target.refusedLately ? undefined : target
  }

  #take(target: LiveTarget, handler: ResponseHandler, newest: number): void {
    this.target = target
    target.begin()
    this.upstream = target.take(handler, { newest, mayUpgrade: this.request.upgrade !== undefined })
  }
}
