import type { ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { mostFields } from '../http/fields.ts'
import type { TargetAddress } from '../upstream-socket.ts'
import type { ResponseHandler } from '../upstream.ts'
import { AppStream } from './app-stream.ts'
import { http2 } from './node-http2.ts'

/** Streams on one connection, where the app allows as many. */
const mostStreams = 100

/** Connections to an app that speaks HTTP/2 in the clear, each for many requests at once. */
export class AppSessions {
  readonly #address: TargetAddress
  readonly #onBytes: () => void
  readonly #open = new Map<ClientHttp2Session, { streams: number }>()

  /** @param onBytes called whenever something came */
  constructor(address: TargetAddress, onBytes: () => void) {
    this.#address = address
    this.#onBytes = onBytes
  }

  /** @param isFresh on a connection of its own */
  take(handler: ResponseHandler, { isFresh }: { isFresh: boolean }): AppStream {
    const session = (isFresh ? undefined : this.#usable()) ?? this.#connect()
    const use = this.#open.get(session)!
    use.streams++
    return new AppStream({ session, handler, onBytes: this.#onBytes, onOver: () => void use.streams-- })
  }

  /** No request comes any more: each ends with its last one. */
  close(): void {
    for (const session of this.#open.keys()) session.close()
  }

  #usable(): ClientHttp2Session | undefined {
    for (const [session, { streams }] of this.#open) {
      const { maxConcurrentStreams = mostStreams } = session.remoteSettings
      const isUsable = !session.closed && !session.destroyed
      if (isUsable && streams < Math.min(maxConcurrentStreams, mostStreams)) return session
    }
    return undefined
  }

  #connect(): ClientHttp2Session {
    const session = http2().connect('http://app', {
      createConnection: () => this.#socket(),
      settings: { enablePush: false },
      maxHeaderListPairs: mostFields + 16,
    })
    session.setMaxListeners(0)
    this.#open.set(session, { streams: 0 })
    session.on('close', () => this.#open.delete(session))
    // Its streams are told.
    session.on('error', () => session.destroy())
    return session
  }

  #socket(): Socket {
    return connect({ ...this.#address, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
  }
}
