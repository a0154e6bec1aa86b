import { createHash, type Hash } from 'node:crypto'
import { PassThrough, pipeline, Transform, type Readable, type TransformCallback } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { VolumeContent } from '../model/volume-copy.ts'
import { forEachEntry, type Header } from '../tar.ts'

/** A tar ends with two blocks of zeros; one that broke off at the end of a file has none. */
const endBytes = 1024

/**
 * Passes a tar on and says at its end what was in it. One that cannot be read as a tar, or breaks
 * off, destroys `tar` with the reason.
 */
export function watchContent(source: Readable): { tar: Readable; content: Promise<VolumeContent> } {
  const watch = new Watch()
  pipeline(source, watch, () => undefined) // its error reaches who reads `watch`
  return { tar: watch, content: watch.content }
}

/** Likewise, of a tar that nobody else reads. */
export async function contentOf(source: Readable): Promise<VolumeContent> {
  const { tar, content } = watchContent(source)
  tar.resume()
  return content
}

export function sameContent(one: VolumeContent, other: VolumeContent): boolean {
  return one.checksum === other.checksum && one.files === other.files && one.bytes === other.bytes
}

class Watch extends Transform {
  readonly content: Promise<VolumeContent>
  readonly #parsed = new PassThrough()
  #end: Buffer = Buffer.alloc(0)

  constructor() {
    super()
    this.content = summarise(this.#parsed)
    this.content.catch((cause: Error) => this.destroy(cause))
    this.on('error', () => undefined)
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#end =
      chunk.length >= endBytes ? chunk.subarray(-endBytes) : Buffer.concat([this.#end, chunk]).subarray(-endBytes)
    if (this.#parsed.destroyed || this.#parsed.write(chunk)) done(null, chunk)
    else this.#parsed.once('drain', () => done(null, chunk))
  }

  override _flush(done: TransformCallback): void {
    if (this.#end.length < endBytes || this.#end.some((byte) => byte !== 0)) return done(brokenOff())
    this.#parsed.end()
    void this.#finish(done)
  }

  async #finish(done: TransformCallback): Promise<void> {
    try {
      await this.content
    } catch (cause) {
      return done(cause as Error)
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#parsed.destroy(error ?? undefined)
    done(error)
  }
}

/** Nothing of it is held but a chunk. */
async function summarise(tar: Readable): Promise<VolumeContent> {
  const all = createHash('sha256')
  let [files, bytes] = [0, 0]
  await forEachEntry(tar, async (entry) => {
    const { header } = entry
    const hash = createHash('sha256')
    if (header.type === 'file') for await (const chunk of entry as AsyncIterable<Buffer>) hash.update(chunk)
    note(all, header, hash)
    if (header.type === 'directory') return
    files++
    bytes += header.size ?? 0
  })
  return { checksum: all.digest('hex'), files, bytes }
}

/** The engine reads in the order of names, and restores all of this. */
function note(all: Hash, { name, type, mode, uid, gid, size, linkname, mtime }: Header, content: Hash): void {
  const changed = type === 'file' ? Math.floor((mtime?.getTime() ?? 0) / 1000) : 0
  all.update(JSON.stringify([name, type, mode, uid, gid, size, linkname, changed, content.digest('hex')]))
}

function brokenOff(): PaasError {
  return new PaasError('volume_changing', 'The volume could not be copied: its files changed meanwhile.')
}
