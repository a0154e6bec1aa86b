import type { Socket } from 'node:net'
import type { RouterLimits } from './limits.ts'
import type { Peer } from './origin.ts'
import { readProxyHeader } from './proxy-header.ts'

const nothing = Buffer.alloc(0)

/**
 * Takes connections from trusted proxies, and gives them on when it is known whom they speak for.
 */
export class ProxyDoor {
  readonly #limits: Pick<RouterLimits, 'keepAlive'>
  readonly #entering = new Set<Socket>()

  constructor(limits: Pick<RouterLimits, 'keepAlive'>) {
    this.#limits = limits
  }

  /**
   * A connection whose header is malformed, or does not come in time, is closed.
   * @param onward gets whom the header named; undefined without one
   */
  enter(socket: Socket, onward: (peer: Peer | undefined) => void): void {
    this.#entering.add(socket)
    let pending = nothing
    const close = (): void => void socket.destroy()
    const late = setTimeout(close, this.#limits.keepAlive)
    const look = (): void => {
      pending = Buffer.concat([pending, (socket.read() as Buffer | null) ?? nothing])
      const reading = pending.length === 0 ? 'undecided' : readProxyHeader(pending)
      if (reading === 'undecided') return
      if (reading === 'malformed') return close()
      leave()
      const rest = reading === 'absent' ? pending : pending.subarray(reading.length)
      if (rest.length > 0) socket.unshift(rest)
      onward(reading === 'absent' ? undefined : reading.peer)
    }
    const leave = (): void => {
      clearTimeout(late)
      this.#entering.delete(socket)
      socket.off('readable', look).off('end', close)
    }
    // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
    socket.on('error', () => {})
    socket.on('close', leave).on('readable', look).on('end', close)
  }

  /** Closes what has not come through. */
  close(): void {
    for (const socket of this.#entering) socket.destroy()
  }
}
