import { connect, type Socket } from 'node:net'
import { mostFields } from '../http/fields.ts'
import type { TargetAddress } from '../upstream-socket.ts'
import type { ResponseHandler } from '../upstream.ts'
import { AppSession, mostStreams } from './app-session.ts'
import { AppStream } from './app-stream.ts'
import { http2 } from './node-http2.ts'

/** Connections to an app that speaks HTTP/2 in the clear, each for many requests at once. */
export class AppSessions {
  readonly #address: TargetAddress
  readonly #onBytes: () => void
  readonly #open = new Set<AppSession>()
  /** What the app said last of how many requests it takes on one. */
  #most = mostStreams

  /** @param onBytes called whenever something came */
  constructor(address: TargetAddress, onBytes: () => void) {
    this.#address = address
    this.#onBytes = onBytes
  }

  /** @param isFresh on a connection of its own */
  take(handler: ResponseHandler, { isFresh }: { isFresh: boolean }): AppStream {
    const place = isFresh ? this.#connect() : this.#place()
    return new AppStream({ place, handler, onBytes: this.#onBytes, elsewhere: () => this.#place() })
  }

  /** No request comes any more: each ends with its last one. */
  close(): void {
    for (const { session } of this.#open) session.close()
  }

  #place(): AppSession {
    for (const place of this.#open) if (place.mayTakeOneMore(this.#most)) return place
    return this.#connect()
  }

  #connect(): AppSession {
    const session = http2().connect('http://app', {
      createConnection: () => this.#socket(),
      settings: { enablePush: false },
      maxHeaderListPairs: mostFields + 16,
    })
    session.setMaxListeners(0)
    const place = new AppSession(session)
    this.#open.add(place)
    session.on('remoteSettings', () => (this.#most = place.most))
    session.on('close', () => this.#open.delete(place))
    // Its streams are told.
    session.on('error', () => session.destroy())
    return place
  }

  #socket(): Socket {
    return connect({ ...this.#address, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
  }
}
