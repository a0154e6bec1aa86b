import type { EventEmitter } from 'node:events'
import { Loan, owned, shared, sharedBuffer, type ByteSource } from './loans.ts'

/** What comes on a socket. `chunk` is only valid during the call, unless its source is `owned`. */
export type Take = (chunk: Buffer, source: ByteSource) => void

/**
 * Reads a socket without an allocation per read: into a buffer that all share, or, while reads fill
 * that one, into one that is lent.
 */
export class Intake {
  /** Gets whatever comes from now on. */
  take: Take
  #loan: Loan | undefined
  /** What `net.Socket` takes as its option: https://nodejs.org/api/net.html#new-netsocketoptions */
  readonly onread = {
    buffer: (): Buffer => this.#loan?.buffer ?? sharedBuffer,
    callback: (size: number): boolean => {
      this.#receive(size)
      return true
    },
  }
  #socket: EventEmitter | undefined
  #isWatched = false
  readonly #onData = (chunk: Buffer): void => this.take(chunk, owned)

  constructor(take: Take) {
    this.take = take
  }

  /** Also gets what the socket has read before, or reads as sockets usually do. */
  attach(socket: EventEmitter): void {
    this.#socket = socket
    socket.on('data', this.#onData)
  }

  detach(socket: EventEmitter): void {
    socket.off('data', this.#onData)
  }

  #receive(size: number): void {
    const loan = this.#loan
    this.take(this.onread.buffer().subarray(0, size), loan ?? shared)
    const comesFast = size >= sharedBuffer.length
    if (loan !== undefined && (!loan.settle() || !comesFast)) this.#giveBack()
    if (comesFast) this.#loan ??= this.#borrow()
  }

  #borrow(): Loan | undefined {
    if (!this.#isWatched) this.#socket?.on('close', () => this.#giveBack())
    this.#isWatched = true
    return Loan.take()
  }

  #giveBack(): void {
    this.#loan?.giveBack()
    this.#loan = undefined
  }
}
