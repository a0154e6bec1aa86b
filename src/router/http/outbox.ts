import type { Socket } from 'node:net'
import type { ByteSource, PieceTaker } from '../loans.ts'
import { atEndOfTurn } from '../turn.ts'
import { tell, Writes, type OutboxPiece, type WritableEnd } from '../writes.ts'
import { formatFields, type Field } from './fields.ts'
import type { Framing } from './framing.ts'
import type { MessageWriter } from './message-writer.ts'

/** Up to this many bytes, copying into one string is cheaper than a piece of its own. */
const smallPiece = 4096
/** Of characters, that wait for the end of the turn. */
const mostDelayed = 16_384

/**
 * Collects what is sent to one socket in one turn of the event loop: a head and its body leave as
 * one write.
 */
export class Outbox<S extends WritableEnd = Socket> implements PieceTaker, MessageWriter {
  readonly socket: S
  readonly #writes: Writes
  #text = ''
  /** What comes before the text. */
  #pieces: (string | OutboxPiece)[] = []
  /** It will be flushed at the end of this turn. */
  #isDue = false
  /** The socket is closed then, or this is called. */
  #notSent: (() => void) | undefined

  /** @param onFailed the other end takes no more */
  constructor(socket: S, onFailed = (): void => void socket.destroy()) {
    this.socket = socket
    this.#writes = new Writes(socket, onFailed)
  }

  /** Nothing more should be sent until the socket emits `drain`. */
  get full(): boolean {
    return this.#writes.full
  }

  get sent(): boolean {
    return this.#text === '' && !this.#writes.waiting
  }

  /** @param text latin1 */
  text(text: string): void {
    this.#text += text
  }

  data(bytes: Buffer, source: ByteSource): void {
    if (bytes.length <= smallPiece) this.#text += bytes.toString('latin1')
    else source.send(this, bytes)
  }

  piece(bytes: Buffer, written?: () => void): void {
    this.#endText()
    this.#pieces.push({ bytes, written })
  }

  body(framing: Framing, data: Buffer, source: ByteSource): void {
    if (framing.kind !== 'chunked') return this.data(data, source)
    this.#text += `${data.length.toString(16)}\r\n`
    this.data(data, source)
    this.#text += '\r\n'
  }

  bodyEnd(framing: Framing, trailers: Field[]): void {
    if (framing.kind === 'chunked') this.#text += `0\r\n${formatFields(trailers)}\r\n`
  }

  /** What is long is written at once: whoever reads into its buffer next waits for that. */
  flushSoon(): void {
    if (this.#pieces.length > 0 || this.#text.length > mostDelayed) return this.flush()
    if (this.#isDue || this.#text === '') return
    this.#isDue = true
    atEndOfTurn(this)
  }

  /**
   * Closes the socket at the end of this turn, after what was collected.
   * @param notSent called instead where the kernel has not taken all of it at once
   */
  closeSoon(notSent: () => void): void {
    this.#notSent = notSent
    if (!this.#isDue) atEndOfTurn(this)
    this.#isDue = true
  }

  endTurn(): void {
    this.#isDue = false
    if (this.socket.destroyed) return
    this.flush()
    if (this.#notSent === undefined) return
    if (this.sent) this.socket.destroy()
    else this.#notSent()
  }

  /** Writes what was collected. */
  flush(): void {
    if (this.#pieces.length > 0) return this.#flushPieces()
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#writes.text(text)
  }

  /** The socket is closed: what was collected is not sent. */
  drop(): void {
    tell(this.#pieces)
    this.#pieces = []
    this.#text = ''
  }

  #flushPieces(): void {
    this.#endText()
    const pieces = this.#pieces
    this.#pieces = []
    this.#writes.pieces(pieces)
  }

  #endText(): void {
    if (this.#text !== '') this.#pieces.push(this.#text)
    this.#text = ''
  }
}
