import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Transform, type Writable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import { notAnImage } from './built-image.ts'

/**
 * What all layers of an image that come together may unpack to: what is packed can be a thousandth
 * of it.
 */
export class LayerLimits {
  readonly #mebibytes: number
  #bytes = 0
  #entries = 0

  constructor(mebibytes: number) {
    this.#mebibytes = mebibytes
  }

  /** @throws build_failed */
  count({ bytes = 0, entries = 0 }): void {
    this.#bytes += bytes
    this.#entries += entries
    if (this.#bytes <= this.#mebibytes * 2 ** 20 && this.#entries <= mostEntries) return
    const what = this.#entries > mostEntries ? `${mostEntries} files` : `${this.#mebibytes} MiB`
    throw new PaasError('build_failed', `The image has more than ${what} beyond its base, the limit of a build.`)
  }
}

/** Files and directories of one image. */
const mostEntries = 1_000_000

/**
 * Copies a gzipped layer, and looks at what is in it on the way: its digest has to be this one, and
 * no file longer than the tar, which a sparse file is.
 * @returns the digest of what was copied
 * @throws build_failed
 */
export async function copyLayer(
  layer: AsyncIterable<Buffer>,
  target: Writable,
  { diffId, limits }: { diffId: string; limits: LayerLimits },
): Promise<string> {
  const packed = createHash('sha256')
  const hash = createHash('sha256')
  const gunzip = createGunzip()
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        limits.count({ bytes: chunk.length })
        hash.update(chunk)
        done(null, chunk)
      } catch (error) {
        done(error as Error)
      }
    },
  })
  // What goes wrong is told by the pipeline.
  const entries = extract().on('error', () => undefined)
  const looking = Promise.all([pipeline(gunzip, counted, entries), look(entries, limits)])
  looking.catch(() => undefined)
  try {
    for await (const chunk of layer) {
      packed.update(chunk)
      await Promise.all([write(target, chunk), Promise.race([write(gunzip, chunk), looking])])
    }
    target.end()
    gunzip.end()
    await looking
  } catch (error) {
    throw error instanceof PaasError ? error : notAnImage(error)
  } finally {
    gunzip.destroy()
  }
  if (`sha256:${hash.digest('hex')}` !== diffId) throw notAnImage()
  return `sha256:${packed.digest('hex')}`
}

async function look(entries: ReturnType<typeof extract>, limits: LayerLimits): Promise<void> {
  for await (const entry of entries) {
    limits.count({ entries: 1 })
    const { type, pax } = entry.header
    if (!type || Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) throw notAnImage()
    entry.resume()
  }
}

async function write(target: Writable, chunk: Buffer): Promise<void> {
  if (!target.write(chunk)) await once(target, 'drain')
}
