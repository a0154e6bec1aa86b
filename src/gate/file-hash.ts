import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createGunzip, type Gunzip } from 'node:zlib'
import { Refused } from './refused.ts'

/** `blob` is of the bytes that came, `diffId` of the tar that they unpack to. Both `sha256:…`. */
export type Digests = { blob: string; diffId: string }

/** Hashes a file of an archive on its way, of which nothing is held. */
export class FileHash {
  readonly #packed = createHash('sha256')
  readonly #unpacked = createHash('sha256')
  readonly #gunzip: Gunzip | undefined
  readonly #unpacking: Promise<unknown>

  constructor({ gzipped }: { gzipped: boolean }) {
    this.#gunzip = gzipped ? createGunzip().on('data', (chunk: Buffer) => this.#unpacked.update(chunk)) : undefined
    this.#unpacking = this.#gunzip ? once(this.#gunzip, 'end').catch(refuse) : Promise.resolve()
    this.#unpacking.catch(() => undefined)
  }

  /** Passes on what it hashes. */
  async *passing(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      await this.add(chunk)
      yield chunk
    }
  }

  /** @throws Refused */
  async add(chunk: Buffer): Promise<void> {
    this.#packed.update(chunk)
    // A chunk of which the unpacking fails is never said to be written.
    if (this.#gunzip) await Promise.race([written(this.#gunzip, chunk), this.#unpacking])
  }

  /** @throws Refused */
  async end(): Promise<Digests> {
    this.#gunzip?.end()
    await this.#unpacking
    const blob = `sha256:${this.#packed.digest('hex')}`
    return { blob, diffId: this.#gunzip ? `sha256:${this.#unpacked.digest('hex')}` : blob }
  }
}

function written(gunzip: Gunzip, chunk: Buffer): Promise<void> {
  return new Promise((settle) => gunzip.write(chunk, () => settle()))
}

function refuse(): never {
  throw new Refused('a layer is not packed with gzip')
}
