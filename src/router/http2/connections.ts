import type { TLSSocket } from 'node:tls'
import type { RouterContext } from '../context.ts'
import { Roster } from '../roster.ts'
import type { Arrival } from '../visitor.ts'
import { Http2Connection } from './connection.ts'
import type { StreamVisitor } from './stream-visitor.ts'

/** The connections of visitors who speak HTTP/2. */
export class Http2Connections {
  readonly #context: RouterContext
  readonly #open = new Roster<Http2Connection>()
  #streams = 0

  constructor(context: RouterContext) {
    this.#context = context
  }

  get size(): number {
    return this.#open.size
  }

  *streams(): Iterable<StreamVisitor> {
    for (const { streams } of this.#open.all()) yield* streams.all()
  }

  /** Serves a connection whose handshake is done. */
  open(socket: TLSSocket, arrival: Arrival): void {
    const claimStream = (): boolean => {
      if (this.#streams >= this.#context.limits.connections) return false
      this.#streams++
      return true
    }
    const releaseStream = (): void => void this.#streams--
    const connection = new Http2Connection({ context: this.#context, claimStream, releaseStream }, socket, arrival)
    this.#open.add(connection)
    socket.on('close', () => this.#open.delete(connection))
  }

  /** Called now and then. `end`: they take no more requests. */
  sweep(now: number, { end }: { end: boolean }): void {
    for (const connection of this.#open.all()) {
      if (this.#context.stopping) connection.goAway()
      if (end) connection.close()
      connection.checkTime(now)
    }
  }
}
