import type { IncomingMessage } from 'node:http'
import { Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { PaasError } from '../errors.ts'

export type BodyLimits = {
  /** Bytes after decompression. */
  bytes: number
  /** Milliseconds without a byte, and for all of it. */
  idleMs: number
  totalMs: number
}

/**
 * The request's body, decompressed and limited in size and time. The stream fails with a PaasError,
 * or `ClientGone`. The request itself stays whole then, so that an answer can still be sent.
 */
export function openBody(req: IncomingMessage, limits: BodyLimits): Body {
  const meter = new Meter(limits)
  // Without a listener now, the error would end the process before anybody awaits it.
  meter.on('error', () => req.unpipe())
  req.once('close', () => {
    if (!req.readableEnded) meter.destroy(new ClientGone())
  })
  if (/gzip/.test(req.headers['content-encoding'] ?? '')) {
    const gunzip = createGunzip()
    gunzip.once('error', (cause) => {
      meter.destroy(
        new PaasError('bad_request', 'The request is not valid gzip, which its Content-Encoding says.', { cause }),
      )
    })
    meter.once('close', () => gunzip.destroy())
    req.pipe(gunzip).pipe(meter)
  } else req.pipe(meter)
  return meter
}

export type Body = Readable & {
  /** Lowers the limit to `more` further bytes; a larger body fails with `beyond`. */
  allow(more: number, beyond: PaasError): void
  /** Gives the size of each further chunk to `account`, which may refuse it with an error. */
  count(account: Disposable & { take(bytes: number): void }): void
}

/** The client closed the connection before everything it sent was read. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

class Meter extends Transform implements Body {
  readonly #limits: BodyLimits
  #most: number
  #beyond: PaasError
  readonly #total: NodeJS.Timeout
  #idle: NodeJS.Timeout
  #bytes = 0
  #take: (bytes: number) => void = () => undefined

  constructor(limits: BodyLimits) {
    super()
    this.#limits = limits
    this.#most = limits.bytes
    this.#beyond = tooLarge(limits.bytes)
    this.#total = setTimeout(() => this.#late(`took longer than ${seconds(limits.totalMs)}`), limits.totalMs)
    this.#idle = setTimeout(() => this.#onIdle(), limits.idleMs)
  }

  allow(more: number, beyond: PaasError): void {
    if (this.#bytes + more >= this.#most) return
    this.#most = this.#bytes + more
    this.#beyond = beyond
  }

  count(account: Disposable & { take(bytes: number): void }): void {
    this.#take = (bytes) => account.take(bytes)
    if (this.closed) account[Symbol.dispose]()
    else this.once('close', () => account[Symbol.dispose]())
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, data?: Buffer) => void): void {
    this.#idle.refresh()
    this.#bytes += chunk.length
    if (this.#bytes > this.#most) return done(this.#beyond)
    try {
      this.#take(chunk.length)
    } catch (cause) {
      return done(cause as Error)
    }
    done(null, chunk)
  }

  override _final(done: () => void): void {
    this.#stop()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stop()
    done(error)
  }

  /** A git that is slow to take what is here already is no fault of the client's. */
  #onIdle(): void {
    if (this.readableLength > 0) this.#idle.refresh()
    else this.#late(`paused for ${seconds(this.#limits.idleMs)}`)
  }

  #late(what: string): void {
    this.destroy(new PaasError('request_timeout', `The request ${what}, the limit.`))
  }

  #stop(): void {
    clearTimeout(this.#total)
    clearTimeout(this.#idle)
  }
}

function tooLarge(bytes: number): PaasError {
  const most = Math.floor(bytes / 2 ** 20)
  return new PaasError('payload_too_large', `The request has more than ${most} MiB, the limit.`)
}

function seconds(ms: number): string {
  return `${ms / 1000} s`
}
