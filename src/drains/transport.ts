import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ReadLine } from '../model/app-log.ts'
import { drainSchemes, type Drain } from '../model/drain.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { Poster } from '../outbound/post.ts'
import { openStream } from '../outbound/stream.ts'
import { destinationOf } from '../outbound/url.ts'
import { logplexFrame, syslogFrame } from './frame.ts'

/** What takes the lines of one drain to where they belong. */
export interface Transport extends Disposable {
  /**
   * Resolves when the receiver has the lines, as far as its protocol tells. To be tried again when
   * it rejects.
   */
  send(lines: ReadLine[], signal: AbortSignal): Promise<void>
}

export function openTransport(outbound: Outbound, drain: Drain): Transport {
  return new URL(drain.url).protocol.startsWith('http')
    ? new HttpTransport(outbound, drain)
    : new SyslogTransport(outbound, drain)
}

/**
 * https://devcenter.heroku.com/articles/log-drains: one POST per batch, a 2xx answer acknowledges
 * it.
 */
class HttpTransport implements Transport {
  readonly #poster: Poster
  readonly #drain: Drain
  #frame: { lines: ReadLine[]; id: string } | undefined

  constructor(outbound: Outbound, drain: Drain) {
    this.#poster = new Poster(outbound, { keepAlive: true })
    this.#drain = drain
  }

  async send(lines: ReadLine[], signal: AbortSignal): Promise<void> {
    // The id is the same for every attempt, so that a receiver can drop duplicates.
    if (this.#frame?.lines !== lines) this.#frame = { lines, id: randomUUID() }
    const headers = {
      'content-type': 'application/logplex-1',
      'logplex-msg-count': String(lines.length),
      'logplex-frame-id': this.#frame.id,
      'logplex-drain-token': this.#drain.token,
    }
    const body = Buffer.from(lines.map((line) => logplexFrame(line)).join(''))
    const status = await this.#poster.post({ url: new URL(this.#drain.url), headers, body }, signal)
    if (status < 200 || status > 299) throw new Error(`it answered with status ${status}`)
  }

  [Symbol.dispose](): void {
    this.#poster[Symbol.dispose]()
  }
}

/** Milliseconds the receiver may take to accept a batch. */
const patience = 10_000

/**
 * Syslog over TCP or TLS acknowledges nothing: what the system has taken counts as delivered (RFC
 * 6587 section 4.1).
 */
class SyslogTransport implements Transport {
  readonly #outbound: Outbound
  readonly #drain: Drain
  #socket: Socket | undefined

  constructor(outbound: Outbound, drain: Drain) {
    this.#outbound = outbound
    this.#drain = drain
  }

  async send(lines: ReadLine[], signal: AbortSignal): Promise<void> {
    const socket = this.#usable() ?? (await this.#connect(signal))
    const bytes = Buffer.from(lines.map((line) => syslogFrame(line, this.#drain.token)).join(''))
    try {
      await write(socket, bytes, AbortSignal.any([signal, AbortSignal.timeout(patience)]))
    } catch (cause) {
      this[Symbol.dispose]()
      throw cause
    }
  }

  #usable(): Socket | undefined {
    return this.#socket?.writable && !this.#socket.readableEnded ? this.#socket : undefined
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    this[Symbol.dispose]()
    const url = new URL(this.#drain.url)
    const destination = { ...destinationOf(url, drainSchemes), secure: url.protocol === 'syslog+tls:' }
    const socket = await openStream(this.#outbound, destination, signal)
    socket.on('error', () => socket.destroy())
    this.#socket = socket
    return socket
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }
}

/** Resolves when the bytes have left this process. */
function write(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const giveUp = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  return promise.finally(() => signal.removeEventListener('abort', giveUp))
}
