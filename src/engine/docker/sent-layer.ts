import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from '../../tar.ts'
import { describeImage, layerType, type LayersBelow } from './image-archive.ts'

type SentLayer = {
  layer: Readable
  bytes: number
  below: LayersBelow
  /** The image's name. */
  reference: string
  /** The image's configuration, once the layer's digest is known. What it throws ends the call. */
  describe: (digest: string) => string | Promise<string>
}

/**
 * Passes a layer of a known length on to the engine while it comes, in an archive that names it
 * before its digest is known: that is written nowhere on the way. containerd's image store would
 * want it by its digest.
 * @param load has the engine take the archive; aborted when that breaks off
 * @throws the layer's error, and that of `load`
 */
export async function sendLayer<T>(
  { layer, bytes, below, reference, describe }: SentLayer,
  load: (archive: Readable, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [archive, hash] = [pack(), createHash('sha256')]
  const file = `tars/${randomBytes(32).toString('hex')}`
  const entry = archive.entry({ name: file, size: bytes }, (error) => {
    if (error) archive.destroy(error)
    else complete().catch(giveUp)
  })
  const complete = async () => {
    const digest = `sha256:${hash.digest('hex')}`
    const own = [{ blob: { mediaType: layerType, digest, size: bytes }, file }]
    describeImage(archive, { config: await describe(digest), reference, below, own })
  }
  let cause: unknown
  const hashed = async function* () {
    try {
      for await (const chunk of layer as AsyncIterable<Buffer>) {
        hash.update(chunk)
        yield chunk
      }
    } catch (error) {
      cause = error
      throw error
    }
  }
  // An archive that breaks off is none that the engine ends to read.
  const broken = new AbortController()
  const giveUp = (error: unknown) => {
    cause ??= error
    broken.abort(error)
  }
  pipeline(hashed, entry).catch((error: unknown) => broken.abort(error))
  try {
    return await load(Readable.from(archive), broken.signal)
  } catch (error) {
    throw cause ?? error
  }
}
