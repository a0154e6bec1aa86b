import { TLSSocket } from 'node:tls'
import { streamWrap } from '../stream-wrap.ts'

type Handle = { writeLatin1String(request: object, text: string): number }
type Done = (error?: Error | null) => void
type Pieces = Parameters<NonNullable<TLSSocket['_writev']>>[0]

const node = streamWrap

/**
 * A visitor's connection that small answers are sent on past its stream, which costs more than to
 * encrypt them; decision 164. TLS takes one write at a time: what the stream writes, and its end,
 * come after.
 */
export class SecureSocket extends TLSSocket {
  #isSending = false
  /** What the stream waits for. */
  #next: (() => void) | undefined
  readonly #onSent = (status: number): void => {
    this.#isSending = false
    if (status !== 0) this.destroy()
    const next = this.#next
    this.#next = undefined
    next?.()
  }

  get isSending(): boolean {
    return this.#isSending
  }

  /**
   * @param text latin1, not empty
   * @returns false if it has to go through the stream
   */
  send(text: string): boolean {
    const { _handle: handle } = this as unknown as { _handle?: Handle | null }
    if (node === undefined || handle == null || this.#isSending || this.writableLength > 0) return false
    if (!this.writable) return false
    this.#isSending = true
    const status = handle.writeLatin1String(Object.assign(new node.WriteWrap(), { oncomplete: this.#onSent }), text)
    if (status !== 0 || node.streamBaseState[node.kLastWriteWasAsync] === 0) this.#onSent(status)
    return true
  }

  override _write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    this.#after(() => super._write(chunk, encoding, done))
  }

  override _writev(pieces: Pieces, done: Done): void {
    this.#after(() => super._writev!(pieces, done))
  }

  override _final(done: Done): void {
    this.#after(() => super._final(done))
  }

  #after(step: () => void): void {
    if (this.#isSending) this.#next = step
    else step()
  }
}
