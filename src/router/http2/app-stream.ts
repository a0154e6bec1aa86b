import { STATUS_CODES } from 'node:http'
import type { ClientHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { parseFields, type Field } from '../http/fields.ts'
import type { Framing } from '../http/framing.ts'
import { parseResponseHead, type ResponseHead } from '../http/response-head.ts'
import type { Intake } from '../intake.ts'
import { owned } from '../loans.ts'
import type { Outbox } from '../http/outbox.ts'
import type { ResponseHandler, UpstreamFailure } from '../upstream.ts'
import type { AppSession } from './app-session.ts'
import { http2 } from './node-http2.ts'
import { RequestOutbox } from './request-outbox.ts'

const empty: Framing = { kind: 'length', length: 0 }

export type AppStreamDeps = {
  /** The connection that it is to go over. */
  place: AppSession
  handler: ResponseHandler
  onBytes: () => void
  /** @returns another one */
  elsewhere: () => AppSession
}

/** One request to an app over HTTP/2, with the face of a connection of HTTP/1.1 to it. */
export class AppStream {
  readonly outbox: RequestOutbox
  /** Its connection is there. */
  readonly reused: boolean
  readonly #deps: AppStreamDeps
  #place: AppSession
  #handler: ResponseHandler | undefined
  #trailers: Field[] | undefined = []
  #isOver = false
  #begunAt = Infinity
  readonly #onSettled = (): void => this.#settled()
  readonly #onClose = (): void => this.#fail('refused', 'the connection did not come about')

  constructor(deps: AppStreamDeps) {
    const { place, handler } = deps
    this.#deps = deps
    this.#place = place
    this.#handler = handler
    this.reused = place.isSettled
    this.outbox = new RequestOutbox(() => this.#place.session, {
      onOpen: (stream) => this.#follow(stream),
      onFailed: (reason) => this.#fail('closed', reason),
    })
    place.enter()
    if (!this.reused) this.#await()
  }

  /** What is held back when a visitor does not read. */
  get socket(): { pause(): void; resume(): void } {
    const { stream } = this.outbox
    return { pause: () => stream?.pause(), resume: () => stream?.resume() }
  }

  destroy(): void {
    this.#handler = undefined
    if (!this.#isOver) this.#place.doubt(this.#begunAt)
    this.#over()
    this.outbox.abort()
  }

  /** There is no tunnel over a connection of many. */
  detach(): { outbox: Outbox<Duplex>; intake: Intake } {
    throw new Error('an app that speaks HTTP/2 opens no tunnel')
  }

  #await(): void {
    this.#place.session.once('remoteSettings', this.#onSettled).once('close', this.#onClose)
  }

  /** What the app would refuse goes over another connection: it could not be sent twice. */
  #settled(): void {
    if (!this.#place.isOverfull) return this.#handler?.connected()
    this.#leave()
    this.#place = this.#deps.elsewhere()
    this.#place.enter()
    if (this.#place.isSettled) this.#handler?.connected()
    else this.#await()
  }

  #follow(stream: ClientHttp2Stream): void {
    this.#begunAt = performance.now()
    this.#place.session.off('close', this.#onClose)
    // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
    stream.on('error', () => {})
    stream.on('headers', (_, __, raw) => this.#head(raw, (head) => this.#handler?.interim(head)))
    stream.on('response', (_, flags, raw) => this.#respond(raw, flags))
    stream.on('data', (data: Buffer) => {
      this.#heard()
      this.#handler?.body(data, owned)
      this.#handler?.flush()
    })
    stream.on('drain', () => this.#handler?.drained())
    stream.on('trailers', (_, __, raw) => (this.#trailers = parseFields(linesOf(raw), 0)))
    stream.on('end', () => this.#ended(stream))
    stream.on('close', () => this.#closed(stream))
  }

  #respond(raw: string[], flags: number): void {
    const isWhole = (flags & http2().constants.NGHTTP2_FLAG_END_STREAM) !== 0
    this.#head(raw, (head) => this.#handler?.head(head), isWhole)
  }

  #head(raw: string[], give: (head: ResponseHead) => void, isWhole = false): void {
    this.#heard()
    const head = parseResponseHead(textOf(raw), this.#handler?.method ?? '')
    if (typeof head === 'string') return this.#fail('malformed', head)
    // A head that is all there is stays one on its way: gRPC tells statuses apart by that.
    give(isWhole && head.framing.kind === 'close' ? { ...head, framing: empty } : head)
    if (!isWhole) this.#handler?.flush()
  }

  #ended(stream: ClientHttp2Stream): void {
    if (stream.rstCode !== http2().constants.NGHTTP2_NO_ERROR) return
    if (this.#trailers === undefined) return this.#fail('malformed', 'a trailer is malformed')
    const handler = this.#handler
    this.#handler = undefined
    this.#over()
    handler?.complete(this.#trailers, false)
  }

  #closed(stream: ClientHttp2Stream): void {
    this.#over()
    this.#fail('closed', `the stream ended with code ${stream.rstCode}`)
  }

  #fail(kind: UpstreamFailure['kind'], reason: string): void {
    const handler = this.#handler
    this.destroy()
    handler?.failed({ kind, reason })
  }

  #heard(): void {
    this.#place.heard()
    this.#deps.onBytes()
  }

  #over(): void {
    if (!this.#isOver) this.#leave()
    this.#isOver = true
  }

  #leave(): void {
    const { session } = this.#place
    session.off('remoteSettings', this.#onSettled).off('close', this.#onClose)
    this.#place.leave()
  }
}

/** As HTTP/1.1 has it, and is read. */
function textOf(raw: string[]): string {
  let status = ''
  const fields: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at] === ':status') status = raw[at + 1]!
    else fields.push(raw[at]!, raw[at + 1]!)
  }
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${linesOf(fields)}`
}

function linesOf(raw: string[]): string {
  let text = ''
  for (let at = 0; at < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`
  return text
}
