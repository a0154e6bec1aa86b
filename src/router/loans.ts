/** Where pieces are sent. */
export interface PieceTaker {
  /** @param bytes stay as they are until `written` is called */
  piece(bytes: Buffer, written?: () => void): void
  /** The kernel has all that was written. */
  readonly sent: boolean
}

/** Where bytes that were read are, which says how they are passed on. */
export interface ByteSource {
  /** Sends a piece of them, of some length. */
  send(to: PieceTaker, piece: Buffer): void
}

/** Bytes that nobody writes over. */
export const owned: ByteSource = { send: (to, piece) => to.piece(piece) }

/** Connections that little comes on read into this one, so what is passed on is copied. */
export const sharedBuffer = Buffer.allocUnsafeSlow(16_384)

export const shared: ByteSource = { send: (to, piece) => to.piece(Buffer.from(piece)) }

const loanSize = 262_144
/** At once; whoever gets none reads into the shared buffer. */
export const mostLent = 48
const mostKept = 8

const kept: Loan[] = []
let lent = 0

/** A buffer for one connection that much comes on. What was read is written from where it is. */
export class Loan implements ByteSource {
  readonly buffer = Buffer.allocUnsafeSlow(loanSize)
  /** Writes that are not told to be done, and where those since the last read went. */
  #writes = 0
  #receivers: PieceTaker[] = []
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

  send(to: PieceTaker, piece: Buffer): void {
    if (piece.length < sharedBuffer.length) return shared.send(to, piece)
    this.#writes++
    this.#receivers.push(to)
    to.piece(piece, this.#written)
  }

  /**
   * True if it can be read into again. A stream tells on a later tick that the kernel has taken all
   * of it; the outbox knows at once.
   */
  settle(): boolean {
    const isFree = this.#writes === 0 || this.#receivers.every(({ sent }) => sent)
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
