import type { AddressCounter } from './address-counter.ts'
import { Roster } from './roster.ts'
import type { VisitorSocket } from './visitor.ts'

/** `counted`: the address that it counts for. */
export type AcceptedConnection = { socket: VisitorSocket; counted: string | undefined; place: number }

/**
 * The connections of a router as they were accepted; those that speak TLS are read as sockets of
 * their own.
 */
export class Accepted {
  readonly #addresses: AddressCounter
  readonly #open = new Roster<AcceptedConnection>()

  constructor(addresses: AddressCounter) {
    this.#addresses = addresses
  }

  get size(): number {
    return this.#open.size
  }

  /** It has this one until it is closed. */
  keep(socket: VisitorSocket): AcceptedConnection {
    const kept: AcceptedConnection = { socket, counted: undefined, place: -1 }
    this.#open.add(kept)
    socket.on('close', () => {
      this.#open.delete(kept)
      if (kept.counted !== undefined) this.#addresses.remove(kept.counted)
    })
    return kept
  }

  destroy(): void {
    for (const { socket } of this.#open.all()) socket.destroy()
  }
}
