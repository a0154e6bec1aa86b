import { Socket } from 'node:net'

/** Where a target listens. */
export type TargetAddress = { host: string; port: number } | { path: string }

type Done = (error?: Error | null) => void

/**
 * A socket that a failed write does not end: what the other side said before it closed is still
 * read, and only then comes its end or error. Node's own sockets destroy themselves at the first
 * failed write, with an early answer to an upload unread. Once a write has failed, further ones are
 * dropped.
 */
export class UpstreamSocket extends Socket {
  #unheard = false

  /** A write has failed. */
  get unheard(): boolean {
    return this.#unheard
  }

  /** A write past the stream has failed. */
  giveUp(): void {
    this.#unheard = true
  }

  override _write(data: unknown, encoding: BufferEncoding, done: Done): void {
    if (this.#unheard) done()
    else super._write(data, encoding, this.#orUnheard(done))
  }

  override _writev(pieces: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
    if (this.#unheard) done()
    else super._writev!(pieces, this.#orUnheard(done))
  }

  #orUnheard(done: Done): Done {
    return (error) => {
      this.#unheard ||= error instanceof Error
      done()
    }
  }
}
