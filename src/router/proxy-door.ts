import type { Socket } from 'node:net'
import type { RouterLimits } from './limits.ts'
import type { Peer } from './origin.ts'
import { readProxyHeader } from './proxy-header.ts'

const nothing = Buffer.alloc(0)

/**
 * Takes connections from trusted proxies, and gives them on when it is known whom they speak for.
 */
export class ProxyDoor {
  readonly #limits: Pick<RouterLimits, 'keepAlive' | 'head'>
  readonly #entering = new Set<Socket>()

  constructor(limits: Pick<RouterLimits, 'keepAlive' | 'head'>) {
    this.#limits = limits
  }

  /**
   * A connection whose header is malformed is closed, and so is one on which nothing comes in the
   * time of an idle one, or not all of a header in the time of a request's head.
   * @param onward gets whom the header named; undefined without one
   */
  enter(socket: Socket, onward: (peer: Peer | undefined) => void): void {
    this.#entering.add(socket)
    let pending = nothing
    const close = (): void => void socket.destroy()
    let late = setTimeout(close, this.#limits.keepAlive)
    let began = false
    const look = (): void => {
      pending = Buffer.concat([pending, (socket.read() as Buffer | null) ?? nothing])
      const reading = pending.length === 0 ? 'undecided' : readProxyHeader(pending)
      if (reading === 'undecided') return void (pending.length > 0 && begin())
      if (reading === 'malformed') return close()
      leave()
      const rest = reading === 'absent' ? pending : pending.subarray(reading.length)
      if (rest.length > 0) socket.unshift(rest)
      onward(reading === 'absent' ? undefined : reading.peer)
    }
    const begin = (): void => {
      if (began) return
      began = true
      clearTimeout(late)
      late = setTimeout(close, this.#limits.head)
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
