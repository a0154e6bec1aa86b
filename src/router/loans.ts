import type { Socket } from 'node:net'

/** Where bytes that were read are, which says how they are passed on. */
export interface ByteSource {
  /** Writes a piece of them. @returns as `write` does */
  send(to: Socket, piece: Buffer): boolean
}

/** Bytes that nobody writes over. */
export const owned: ByteSource = { send: (to, piece) => to.write(piece) }

/** Connections that little comes on read into this one, so what is passed on is copied. */
export const sharedBuffer = Buffer.allocUnsafeSlow(16_384)

export const shared: ByteSource = { send: (to, piece) => to.write(Buffer.from(piece)) }

const loanSize = 262_144
/** At once; whoever gets none reads into the shared buffer. */
export const mostLent = 48
const mostKept = 8

const kept: Loan[] = []
let lent = 0

/** A buffer for one connection that much comes on. What was read is written from where it is. */
export class Loan implements ByteSource {
  readonly buffer = Buffer.allocUnsafeSlow(loanSize)
  /** Writes that have not called back, and the sockets of those since the last read. */
  #writes = 0
  #receivers: Socket[] = []
  #isReturned = false
  readonly #written = (): void => {
    if (--this.#writes === 0 && this.#isReturned) keep(this)
  }

  /** @returns undefined when too many are lent */
  static take(): Loan | undefined {
    if (lent === mostLent) return undefined
    lent++
    const loan = kept.pop() ?? new Loan()
    loan.#isReturned = false
    return loan
  }

  send(to: Socket, piece: Buffer): boolean {
    if (piece.length < sharedBuffer.length) return shared.send(to, piece)
    this.#writes++
    this.#receivers.push(to)
    return to.write(piece, this.#written)
  }

  /**
   * True if it can be read into again. A write tells on a later tick that the kernel has taken all
   * of it; the socket's length tells at once.
   */
  settle(): boolean {
    const isFree = this.#writes === 0 || this.#receivers.every((socket) => socket.writableLength === 0)
    this.#receivers = []
    return isFree
  }

  /** It is not read into any more. The next one gets it when all is written. */
  giveBack(): void {
    this.#isReturned = true
    if (this.#writes === 0) keep(this)
  }
}

function keep(loan: Loan): void {
  lent--
  if (kept.length < mostKept) kept.push(loan)
}
