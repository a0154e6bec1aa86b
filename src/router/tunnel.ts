import type { Duplex } from 'node:stream'
import type { Outbox } from './http/outbox.ts'
import type { Intake } from './intake.ts'
import { owned, type ByteSource } from './loans.ts'
import { follow } from './pump.ts'
import type { RouterCode } from './router-error.ts'
import type { LiveTarget, Tunnelled } from './target.ts'
import { FrameCursor, goingAwayFromClient, goingAwayFromServer } from './websocket-frames.ts'

/** How long both ends get to close after they were asked to, milliseconds. */
const closingTime = 5_000

type End = { outbox: Outbox<Duplex>; intake: Intake }
type Ends = { client: End; upstream: End }

export type TunnelDeps = Ends & {
  target: LiveTarget
  websocket: boolean
  onActivity: () => void
  /** Both ends are closed; `bytes` went to the client, `code` says what cut them off. */
  onClosed: (bytes: number, code: RouterCode | undefined) => void
}

/** After a 101: bytes go both ways as they are, until one end closes. */
export class Tunnel implements Tunnelled {
  readonly #deps: TunnelDeps
  readonly #toClient: Direction
  readonly #toUpstream: Direction
  #open = 2
  #code: RouterCode | undefined

  constructor(deps: TunnelDeps) {
    const { client, upstream, target, websocket } = deps
    this.#deps = deps
    this.#toClient = new Direction(upstream.outbox, client.outbox, { websocket, farewell: goingAwayFromServer })
    this.#toUpstream = new Direction(client.outbox, upstream.outbox, { websocket, farewell: goingAwayFromClient })
    target.tunnels.add(this)
    for (const { outbox } of [client, upstream]) outbox.socket.on('close', () => this.#closed())
    upstream.intake.take = (chunk, source) => {
      deps.onActivity()
      target.heard()
      this.#toClient.push(chunk, source)
    }
    client.intake.take = (chunk, source) => {
      deps.onActivity()
      this.#toUpstream.push(chunk, source)
    }
    join(upstream.outbox, client.outbox)
    join(client.outbox, upstream.outbox)
  }

  /** What came along with the heads. */
  push({ fromClient, fromUpstream }: { fromClient: Buffer; fromUpstream: Buffer }): void {
    if (fromUpstream.length > 0) this.#toClient.push(fromUpstream, owned)
    if (fromClient.length > 0) this.#toUpstream.push(fromClient, owned)
  }

  /**
   * A WebSocket's ends are told 1001 between two frames; other protocols have no such word and are
   * left alone.
   */
  goAway(): void {
    if (!this.#deps.websocket) return
    this.#toClient.close()
    this.#toUpstream.close()
    setTimeout(() => this.destroy(), closingTime).unref()
  }

  /** @param code why, unless the ends were asked to close before */
  destroy(code?: RouterCode): void {
    this.#code = code
    this.#deps.client.outbox.socket.destroy()
    this.#deps.upstream.outbox.socket.destroy()
  }

  #closed(): void {
    if (--this.#open > 0) return
    this.#deps.target.tunnels.delete(this)
    this.#deps.onClosed(this.#toClient.bytes, this.#code)
  }
}

/** `to` ends with `from`, after all that came of it. */
function join(from: Outbox<Duplex>, to: Outbox<Duplex>): void {
  for (const event of ['end', 'close']) from.socket.on(event, () => to.flush())
  follow(from.socket, to.socket)
}

type DirectionOptions = { websocket: boolean; farewell: Buffer }

/** One way of a tunnel: what `from` says, `to` gets; when `from` ends or breaks, so does `to`. */
class Direction {
  readonly #from: Outbox<Duplex>
  readonly #to: Outbox<Duplex>
  readonly #farewell: Buffer
  readonly #frames: FrameCursor | undefined
  #state: 'open' | 'closing' | 'closed' = 'open'
  bytes = 0

  constructor(from: Outbox<Duplex>, to: Outbox<Duplex>, { websocket, farewell }: DirectionOptions) {
    this.#from = from
    this.#to = to
    this.#farewell = farewell
    this.#frames = websocket ? new FrameCursor() : undefined
  }

  push(chunk: Buffer, source: ByteSource): void {
    if (this.#state === 'closed') return
    if (this.#state === 'closing') return this.#pushLast(chunk, source)
    this.#frames?.advance(chunk)
    this.#send(chunk, source)
  }

  /**
   * Says goodbye as soon as the frame that is on its way is complete. What comes after it is
   * dropped.
   */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#closeAtBoundary()
  }

  #pushLast(chunk: Buffer, source: ByteSource): void {
    this.#send(chunk.subarray(0, this.#frames?.advanceToBoundary(chunk)), source)
    this.#closeAtBoundary()
  }

  #closeAtBoundary(): void {
    if (this.#frames?.atBoundary !== true) return
    this.#state = 'closed'
    this.#send(this.#farewell, owned)
  }

  #send(chunk: Buffer, source: ByteSource): void {
    this.bytes += chunk.length
    const to = this.#to
    if (!to.socket.writable) return
    to.data(chunk, source)
    to.flushSoon()
    if (to.full) this.#from.socket.pause()
  }
}
