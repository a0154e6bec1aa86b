import type { ServerHttp2Session, ServerHttp2Stream, ServerSessionOptions } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { Caller } from '../caller.ts'
import type { RouterContext } from '../context.ts'
import { mostFields } from '../http/fields.ts'
import { Roster } from '../roster.ts'
import type { Arrival } from '../visitor.ts'
import { Allowance } from '../allowance.ts'
import { http2 } from './node-http2.ts'
import { StreamVisitor } from './stream-visitor.ts'

/** Milliseconds between the word that the connection will end, and the end of taking requests. */
const notice = 1_000
/** The highest stream there can be: with it a client is told to go, and nothing refused. */
const lastStream = 2 ** 31 - 1
/** Requests that a client may take back, or that are no requests. */
const cutShort = { burst: 200, perSecond: 20 }
/** Pings and settings. */
const answered = { burst: 400, perSecond: 100 }
/** Bytes that are part of no request: priorities, empty frames, frames of unknown kinds. */
const useless = { burst: 65_536, perSecond: 16_384 }

export type Http2ConnectionDeps = {
  context: RouterContext
  /** @returns false when there are too many streams of all visitors */
  claimStream: () => boolean
  releaseStream: () => void
}

/** One connection of HTTP/2 from a visitor. Its bytes are read and written by Node's nghttp2. */
export class Http2Connection {
  readonly streams = new Roster<StreamVisitor>()
  /** Among those that are open. */
  place = -1
  readonly #deps: Http2ConnectionDeps
  readonly #socket: TLSSocket
  readonly #arrival: Arrival
  readonly #session: ServerHttp2Session
  readonly #cutShort = new Allowance(cutShort)
  readonly #answered = new Allowance(answered)
  readonly #useless = new Allowance(useless)
  /** What may have come with the requests so far, and was not of use before. */
  readonly #use = { bytes: 100 }
  #uselessBytes = 0
  #deadline = 0
  #noticeAt: number | undefined
  #isCutOff = false

  constructor(deps: Http2ConnectionDeps, socket: TLSSocket, arrival: Arrival) {
    this.#deps = deps
    this.#socket = socket
    this.#arrival = arrival
    this.#session = http2().performServerHandshake(socket, optionsFor(deps.context))
    // Node waits for it, and says it of clients alone.
    socket.emit('secureConnect')
    // It may be half open, as for HTTP/1.1, but who has ended it takes no more of an answer.
    socket.on('end', () => this.#session.destroy())
    this.#session.on('stream', (stream, _, flags, raw) => this.#begin(stream, flags, raw))
    this.#session.on('ping', () => this.#answer())
    this.#session.on('remoteSettings', () => this.#answer())
    this.#session.on('error', (error) => this.#failed(error))
    this.#awaitNext()
  }

  /** Called now and then: acts when time is up, or it brings too much of no use. */
  checkTime(now: number): void {
    for (const stream of this.streams.all()) stream.checkTime(now)
    if (this.#session.destroyed) return
    if (!this.#useless.take(this.#newUselessBytes())) return this.#calm()
    if (this.#noticeAt !== undefined && now > this.#noticeAt + notice) this.close()
    if (this.streams.size === 0 && now > this.#deadline) this.close()
  }

  /** Tells the client to ask elsewhere; what it asks until it knows is still answered. */
  goAway(): void {
    if (this.#noticeAt !== undefined || this.#session.destroyed) return
    this.#noticeAt = performance.now()
    this.#session.goaway(0, lastStream)
  }

  /** Takes no more requests, and ends after the last answer. */
  close(): void {
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close()
  }

  #begin(stream: ServerHttp2Stream, flags: number, raw: string[]): void {
    const { context, claimStream, releaseStream } = this.#deps
    const { constants } = http2()
    if (!claimStream()) {
      // oxlint-disable-next-line no-empty-function -- it is closed already
      stream.on('error', () => {})
      context.counters.turnedAway++
      return stream.close(constants.NGHTTP2_REFUSED_STREAM)
    }
    const { peer, port, secure } = this.#arrival
    const origin = context.origins.ofConnection(peer, { secure: true, port })
    const caller = new Caller(context, origin, peer.address, { shares: true, version: '2' })
    const visitor = new StreamVisitor({ context, stream, caller, sni: secure?.sni, use: this.#use })
    this.streams.add(visitor)
    this.#use.bytes += raw.reduce((sum, { length }) => sum + length, 100)
    stream.on('close', () => {
      releaseStream()
      this.#ended(visitor, stream)
    })
    visitor.begin(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)
  }

  #ended(visitor: StreamVisitor, stream: ServerHttp2Stream): void {
    this.streams.delete(visitor)
    this.#deps.context.appConnections.leave(visitor)
    if (this.streams.size === 0) this.#awaitNext()
    const isCutShort = stream.rstCode !== http2().constants.NGHTTP2_NO_ERROR
    if (isCutShort && !this.#cutShort.take(1)) this.#calm()
  }

  #awaitNext(): void {
    const { keepAlive, keepAliveGrace } = this.#deps.context.limits
    this.#deadline = performance.now() + keepAlive + keepAliveGrace
  }

  #answer(): void {
    if (!this.#answered.take(1)) this.#calm()
  }

  /** Clients tell of each piece of an answer that they have taken it, with bytes of its number. */
  #newUselessBytes(): number {
    const { bytesRead, bytesWritten } = this.#socket
    const before = this.#uselessBytes
    this.#uselessBytes = Math.max(before, bytesRead - this.#use.bytes - 2 * bytesWritten)
    return this.#uselessBytes - before
  }

  /** RFC 9113 section 10.5. */
  #calm(): void {
    if (this.#isCutOff || this.#session.destroyed) return
    this.#isCutOff = true
    this.#deps.context.counters.cutOff++
    const { NGHTTP2_ENHANCE_YOUR_CALM } = http2().constants
    this.#session.goaway(NGHTTP2_ENHANCE_YOUR_CALM)
    setImmediate(() => this.#session.destroy(new Error('too much of no use'), NGHTTP2_ENHANCE_YOUR_CALM))
  }

  /** nghttp2 ends by itself what breaks the protocol, or floods in ways of its own list. */
  #failed(error: Error & { code?: string }): void {
    if (error.code === 'ERR_HTTP2_ERROR' || error.code?.startsWith('ERR_HTTP2_TOO_MANY'))
      this.#deps.context.counters.cutOff++
  }
}

/** Some fields more than a head may have: what is too much is answered with 400. */
function optionsFor({ limits }: RouterContext): ServerSessionOptions {
  return {
    maxHeaderListPairs: mostFields + 16,
    maxSessionInvalidFrames: 100,
    // Ours are lower, and say why.
    streamResetBurst: 10 * cutShort.burst,
    streamResetRate: 10 * cutShort.perSecond,
    strictSingleValueFields: false,
    settings: {
      enableConnectProtocol: true,
      maxConcurrentStreams: limits.streams,
      maxHeaderListSize: limits.headBytes,
    },
  }
}
