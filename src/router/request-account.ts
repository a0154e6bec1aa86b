import type { Attempts } from './attempts.ts'
import type { RouterContext } from './context.ts'
import { recordRequest } from './request-log.ts'
import type { RouterCode } from './router-error.ts'
import { turnTime } from './turn.ts'

type AccountContext = Pick<RouterContext, 'appLog' | 'counters' | 'measurements'>
type Ending = { code: RouterCode | undefined; status: number; refusal?: string | undefined }

/** What is kept of one request until it is told in its app's log, and counted. */
export class RequestAccount {
  /** Of the app's answer. */
  status = 0
  /** Of the answer's body, or to the tunnel's client. */
  bytes = 0
  readonly #context: AccountContext
  readonly #requestId: string
  readonly #attempts: Attempts
  readonly #startedAt = turnTime()
  #connectedAt: number | undefined

  constructor(context: AccountContext, requestId: string, attempts: Attempts) {
    this.#context = context
    this.#requestId = requestId
    this.#attempts = attempts
  }

  /** Milliseconds since it began. */
  get elapsed(): number {
    return performance.now() - this.#startedAt
  }

  /** It is sent to the app, perhaps once more. */
  connected(): void {
    this.#connectedAt = turnTime()
  }

  /** It is over. One that is for no app has no line. */
  close({ code, status, refusal }: Ending): void {
    if (code !== undefined) this.#context.counters.error(code)
    const { destination, request, target, visitor } = this.#attempts
    const app = destination?.app
    if (app === undefined) return
    recordRequest(this.#context, {
      appId: app.id,
      request,
      requestId: this.#requestId,
      origin: visitor.caller,
      dyno: target?.dyno ?? '',
      times: this.#times(),
      status,
      bytes: this.bytes,
      code,
      refusal,
    })
  }

  #times(): { connect: number; service: number } | undefined {
    const at = this.#connectedAt
    return at === undefined ? undefined : { connect: at - this.#startedAt, service: turnTime() - at }
  }
}
