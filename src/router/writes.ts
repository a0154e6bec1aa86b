import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { streamWrap, type WriteRequest } from './stream-wrap.ts'
import { SecureSocket } from './tls/secure-socket.ts'

type Handle = {
  writeQueueSize: number
  writeLatin1String(request: WriteRequest, text: string): number
  writeBuffer(request: WriteRequest, bytes: Buffer): number
  writev(request: WriteRequest, pieces: unknown[], allBuffers: boolean): number
}
/** Bytes that stay as they are until they are written, and who is told then. */
export type OutboxPiece = { bytes: Buffer; written: (() => void) | undefined }

/** What of a stream is needed to write to it. */
export interface WritableEnd extends EventEmitter {
  readonly writable: boolean
  readonly writableLength: number
  readonly writableHighWaterMark: number
  readonly writableNeedDrain: boolean
  readonly destroyed: boolean
  write(text: string, encoding: 'latin1'): boolean
  write(bytes: Buffer, written?: () => void): boolean
  cork(): void
  uncork(): void
  destroy(): unknown
}

const node = streamWrap
/** A write that is done at once does not keep it: the next one, on any socket, takes it again. */
let spare: WriteRequest | undefined = node && new node.WriteWrap()

/**
 * Writes to a socket's handle, past its stream, which costs more than the kernel does for a small
 * write; decision 95. What the kernel does not take at once libuv keeps, in order, and `drain` is
 * emitted when it has all of it. A Node without these names writes through the stream, and so does
 * TLS, but for what is sent alone.
 */
export class Writes {
  readonly #socket: WritableEnd
  readonly #onFailed: () => void
  readonly #isPlain: boolean
  readonly #secure: SecureSocket | undefined
  #isBroken = false
  #waiting = 0

  /** @param onFailed the other end takes no more */
  constructor(socket: WritableEnd, onFailed: () => void) {
    this.#socket = socket
    this.#onFailed = onFailed
    this.#isPlain = node !== undefined && !(socket instanceof TLSSocket)
    this.#secure = socket instanceof SecureSocket ? socket : undefined
  }

  /** The kernel has not taken all of it. */
  get waiting(): boolean {
    return this.#waiting > 0 || this.#socket.writableLength > 0 || this.#secure?.isSending === true
  }

  /** So much waits that no more should come until `drain`. */
  get full(): boolean {
    const socket = this.#socket
    if (this.#waiting > 0) return (handleOf(socket)?.writeQueueSize ?? 0) >= socket.writableHighWaterMark
    return socket.writableNeedDrain && socket.writableLength > 0
  }

  /** @param text latin1 */
  text(text: string): void {
    const handle = this.#handle()
    if (handle !== undefined) this.#settle(handle.writeLatin1String(spare!, text), undefined, undefined)
    else if (this.#secure?.send(text) !== true) this.#socket.write(text, 'latin1')
  }

  /** All of `pieces` as one write. */
  pieces(pieces: (string | OutboxPiece)[]): void {
    const handle = this.#handle()
    if (handle === undefined) return this.#stream(pieces)
    const [first] = pieces
    if (pieces.length === 1 && typeof first === 'object') {
      return this.#settle(handle.writeBuffer(spare!, first.bytes), first.bytes, first.written)
    }
    const listed = pieces.flatMap((piece) => (typeof piece === 'string' ? [piece, 'latin1'] : [piece.bytes, 'buffer']))
    this.#settle(handle.writev(spare!, listed, false), listed, () => tell(pieces))
  }

  /** @returns undefined while it is the stream that has to write */
  #handle(): Handle | undefined {
    const socket = this.#socket
    if (!this.#isPlain || this.#isBroken || !socket.writable) return undefined
    if ((socket as Partial<Socket>).connecting || socket.writableLength > 0) return undefined
    return handleOf(socket)
  }

  #settle(status: number, pieces: unknown, written: (() => void) | undefined): void {
    if (status === 0 && node!.streamBaseState[node!.kLastWriteWasAsync] !== 0) return this.#wait(pieces, written)
    written?.()
    if (status !== 0) this.#fail()
  }

  #fail(): void {
    this.#isBroken = true
    this.#onFailed()
  }

  #wait(pieces: unknown, written: (() => void) | undefined): void {
    const request = spare!
    spare = new node!.WriteWrap()
    request.pieces = pieces // kept from the garbage collector: libuv has only their addresses
    this.#waiting++
    request.oncomplete = (status) => {
      this.#waiting--
      written?.()
      if (this.#socket.destroyed) return
      if (status !== 0) this.#fail()
      if (this.#waiting === 0) this.#socket.emit('drain')
    }
  }

  #stream(pieces: (string | OutboxPiece)[]): void {
    const socket = this.#socket
    socket.cork()
    for (const piece of pieces) {
      if (typeof piece === 'string') socket.write(piece, 'latin1')
      else socket.write(piece.bytes, piece.written)
    }
    socket.uncork()
  }
}

/** @returns undefined of a stream that is no socket */
function handleOf(socket: WritableEnd): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined
}

export function tell(pieces: (string | OutboxPiece)[]): void {
  for (const piece of pieces) if (typeof piece === 'object') piece.written?.()
}
