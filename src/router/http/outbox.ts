import type { Socket } from 'node:net'
import type { ByteSource } from '../loans.ts'
import { formatFields, type Field } from './fields.ts'
import type { Framing } from './framing.ts'

/** Below this many bytes, copying into one string is cheaper than a write of its own. */
const smallPiece = 4096

/**
 * Collects what is sent to one socket in one turn of the event loop: a head and its small body
 * leave as one write.
 */
export class Outbox {
  readonly socket: Socket
  #text = ''
  #corked = false

  constructor(socket: Socket) {
    this.socket = socket
  }

  /**
   * True if the socket's buffer is full; it emits `drain` when there is space again. What the
   * kernel took at once does not count, though `drain` follows it too.
   */
  get full(): boolean {
    return this.socket.writableNeedDrain && this.socket.writableLength > 0
  }

  /** @param text latin1 */
  text(text: string): void {
    this.#text += text
  }

  data(bytes: Buffer, source: ByteSource): void {
    if (bytes.length <= smallPiece) {
      this.#text += bytes.toString('latin1')
      return
    }
    if (!this.#corked) this.socket.cork()
    this.#corked = true
    this.#writeText()
    source.send(this.socket, bytes)
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

  /** Hands what was collected to the socket. */
  flush(): void {
    this.#writeText()
    if (!this.#corked) return
    this.#corked = false
    this.socket.uncork()
  }

  #writeText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.socket.write(text, 'latin1')
  }
}
