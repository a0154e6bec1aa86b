import { createHash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'
import { PaasError } from '../errors.ts'

/** Passes on what comes, and knows how much it was and its SHA-256. */
export class Summed extends Transform {
  bytes = 0
  readonly #hash = createHash('sha256')
  readonly #expected: string | undefined
  #sum = ''

  /** @param expected what ends otherwise fails, with `backup_damaged` */
  constructor(expected?: string) {
    super({ highWaterMark: 256 * 1024 })
    this.#expected = expected
  }

  /** Once all has come. */
  get sha256(): string {
    return this.#sum
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length
    this.#hash.update(chunk)
    done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    this.#sum = this.#hash.digest('hex')
    if (this.#expected === undefined || this.#expected === this.#sum) return done()
    done(new PaasError('backup_damaged', 'The backup cannot be used: what is stored is not what was backed up.'))
  }
}
