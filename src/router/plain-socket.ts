import { EventEmitter } from 'node:events'
import { Socket, type Server, type SocketConstructorOpts } from 'node:net'
import { streamWrap, type ShutdownRequest } from './stream-wrap.ts'
import { atEndOfTurn } from './turn.ts'
import type { VisitorSocket } from './visitor.ts'

type Handle = {
  onread: () => void
  readStart(): number
  readStop(): number
  shutdown(request: ShutdownRequest): number
  close(): void
  getpeername(found: typeof peer): number
  setNoDelay?: (isOn: boolean) => number
}
/** Filled in again and again, as that is quicker than a new one. */
const peer: { address?: string | undefined; family?: string; port?: number } = { address: '', family: '', port: 0 }

/** libuv's number for it. */
const endOfFile = -4095

/** As it counts the connections that keep it open. */
type Counting = { _connections: number; _emitCloseIfDrained(): void }
type OnConnection = (this: unknown, status: number, client: Handle | undefined) => void
type ListeningHandle = { onconnection?: OnConnection; setNoDelay?: (isOn: boolean) => number }

/** Of what waits in this process, from which on no more should come; as Node's sockets have it. */
const mostWaiting = 16_384

/**
 * A visitor's connection without TLS, on Node's handle of it and without the two streams around
 * that, which cost a third of what a short connection does; decision 170. What it has and emits is
 * what `net.Socket` has and emits. Written to it is past it, by `Writes`.
 */
export class PlainSocket extends EventEmitter implements VisitorSocket {
  _handle: Handle | null
  writable = true
  destroyed = false
  #isAtEnd = false
  #isShut = false
  #isLeaving = false
  #stream: Socket | undefined
  readonly #server: Counting

  constructor(handle: Handle, server: Counting) {
    super()
    this.#server = server
    server._connections++
    this._handle = handle
    handle.onread = () => this.#ended()
  }

  get remoteAddress(): string | undefined {
    if (this.#stream !== undefined) return this.#stream.remoteAddress
    peer.address = undefined
    this._handle?.getpeername(peer)
    return peer.address
  }

  get writableLength(): number {
    return 0
  }

  get writableNeedDrain(): boolean {
    return false
  }

  get writableHighWaterMark(): number {
    return mostWaiting
  }

  pause(): void {
    this._handle?.readStop()
  }

  resume(): void {
    if (!this.#isAtEnd) this._handle?.readStart()
  }

  /** Only comes here when it was ended: dropped. */
  write(_data: string | Buffer, done?: 'latin1' | (() => void)): boolean {
    if (typeof done === 'function') done()
    return true
  }

  // oxlint-disable-next-line no-empty-function -- see `write`
  cork(): void {}

  // oxlint-disable-next-line no-empty-function -- see `write`
  uncork(): void {}

  /** @param done what was written is sent, and the end after it; or will never be */
  end(done?: () => void): void {
    if (!this.writable) return
    this.writable = false
    const request: ShutdownRequest = Object.assign(new streamWrap!.ShutdownWrap(), {
      oncomplete: () => this.#shut(done),
    })
    if (this._handle?.shutdown(request) !== 0) this.#shut(done)
  }

  destroySoon(): void {
    this.#isLeaving = true
    this.end()
    if (this.#isShut) this.destroy()
  }

  /** `close` is emitted at the end of this turn. */
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.writable = false
    if (this.#stream !== undefined) return void this.#stream.destroy()
    this._handle?.close()
    this._handle = null
    atEndOfTurn(this)
  }

  endTurn(): void {
    this.emit('close')
    this.#server._connections--
    this.#server._emitCloseIfDrained()
  }

  /** From now on it is this that is used; it is paused. */
  intoStream(): Socket {
    const handle = this._handle
    handle?.readStop()
    this._handle = null
    const options = { handle, allowHalfOpen: true, pauseOnCreate: true }
    const stream = new Socket(options as unknown as SocketConstructorOpts)
    // oxlint-disable-next-line no-empty-function -- `close` follows and is what is acted on
    stream.on('error', () => {})
    stream.once('close', () => {
      this.destroyed = true
      this.endTurn()
    })
    this.#stream = stream
    return stream
  }

  #ended(): void {
    const read = streamWrap!.streamBaseState[streamWrap!.kReadBytesOrError]
    // libuv says 0 where there was nothing to read after all, as in the midst of a quick upload.
    if (this.destroyed || read === 0) return
    this.#isAtEnd = true
    if (read === endOfFile) this.emit('end')
    else this.destroy()
  }

  #shut(done: (() => void) | undefined): void {
    this.#isShut = true
    done?.()
    if (this.#isLeaving) this.destroy()
  }
}

/**
 * Has a server that listens emit `connection` with a `PlainSocket`. Where this Node has other parts
 * it emits its own sockets, as before.
 */
export function acceptPlainly(server: Server): void {
  const counting = server as unknown as Counting & { _handle?: ListeningHandle | null }
  const listening = counting._handle
  const usual = listening?.onconnection
  if (streamWrap?.ShutdownWrap === undefined || listening == null || usual === undefined) return
  if (counting._connections === undefined || counting._emitCloseIfDrained === undefined) return
  // The kernel gives it to each connection: one system call less for each.
  listening.setNoDelay?.(true)
  listening.onconnection = function (status, handle) {
    if (status === 0 && handle !== undefined) server.emit('connection', new PlainSocket(handle, counting))
    else usual.call(this, status, handle)
  }
}
