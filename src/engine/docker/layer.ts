import { createHash, randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { pack } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import type { Engine, Image } from '../engine.ts'
import type { DockerDeps } from './client.ts'
import { describeImage, layerType, type LayersBelow } from './image-archive.ts'
import { describeOwn } from './image-config.ts'
import type { KnownLayers } from './layers-below.ts'
import { load } from './load.ts'
import { blobPath } from './saved-image.ts'
import { imageName } from './names.ts'
import { sendLayer } from './sent-layer.ts'

/** Bytes that are written to a file, or read from it, at once. */
const pieceBytes = 1 << 20
/** Chunks of them, of which Linux takes 1,024 in one call (writev(2)). */
const mostChunks = 1024

type LayerDeps = DockerDeps & {
  /** A directory for a layer on its way. */
  scratch: string
  layers: KnownLayers
}

/**
 * Base image plus one layer, by loading an image of which only that layer is new: nothing is
 * unpacked twice, as a commit does. A layer that fails fails the call, with its own error; it
 * is destroyed in any case.
 */
export async function appendLayer(
  deps: LayerDeps,
  { base, layer, bytes, config }: Parameters<Engine['appendLayer']>[0],
): Promise<Image> {
  // An upload that breaks off early fails when it is read, not here.
  layer.on('error', () => undefined)
  const found = findBase(deps, base)
  found.catch(() => undefined)
  const describeAs = ({ image }: Base, digest: string) =>
    describeOwn(deps.serverId, { below: image, config: typeof config === 'function' ? config() : config, digest })
  try {
    const known = bytes === undefined ? undefined : await found
    if (bytes !== undefined && known && known.below.blobs === undefined) {
      const reference = imageName(deps.serverId)
      const describe = (digest: string) => describeAs(known, digest)
      const sent = { layer, bytes, below: known.below, reference, describe }
      return await sendLayer(sent, (archive, signal) => load(deps, archive, reference, signal))
    }
    await using file = await spool(layer, deps.scratch)
    if (bytes !== undefined && file.bytes !== bytes)
      throw new Error(`The layer has a size of ${file.bytes} bytes, not ${bytes}.`)
    const { image, below } = await found
    const reference = imageName(deps.serverId)
    const archive = archiveOf({ config: describeAs({ image, below }, file.digest), reference, below, file })
    return await load(deps, archive, reference)
  } finally {
    layer.destroy()
  }
}

type Base = { image: Docker.ImageInspectInfo; below: LayersBelow }

async function findBase({ docker, layers }: LayerDeps, base: string): Promise<Base> {
  const image = await docker.getImage(base).inspect()
  const below = await layers.below(image)
  if (!below) throw new PaasError('internal', `The image ${base} is not one of a single platform.`)
  return { image, below }
}

type SpooledLayer = AsyncDisposable & { handle: FileHandle; bytes: number; digest: string }

/**
 * Its length and digest come before it in an archive. The file has no name, so that it ends with
 * the process at the latest.
 */
async function spool(layer: Readable, scratch: string): Promise<SpooledLayer> {
  const handle = await openUnnamed(scratch)
  try {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const { chunks, length } of inLargePieces(layer)) {
      for (const chunk of chunks) hash.update(chunk)
      bytes += length
      await write(handle, chunks, length)
    }
    return { handle, bytes, digest: `sha256:${hash.digest('hex')}`, [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

type Piece = { chunks: Buffer[]; length: number }

/** A tar comes as three small chunks a file, and each write is a trip to another thread. */
async function* inLargePieces(source: Readable): AsyncGenerator<Piece> {
  let piece: Piece = { chunks: [], length: 0 }
  for await (const chunk of source as AsyncIterable<Buffer>) {
    piece.chunks.push(chunk)
    piece.length += chunk.length
    if (piece.length < pieceBytes && piece.chunks.length < mostChunks) continue
    yield piece
    piece = { chunks: [], length: 0 }
  }
  if (piece.length > 0) yield piece
}

/** One write that is not all is followed by one that says why: the disk is full. */
async function write(handle: FileHandle, chunks: Buffer[], length: number): Promise<void> {
  const { bytesWritten } = await handle.writev(chunks)
  if (bytesWritten < length) await handle.appendFile(Buffer.concat(chunks).subarray(bytesWritten))
}

async function openUnnamed(scratch: string): Promise<FileHandle> {
  const path = join(scratch, `layer-${randomUUID()}.tar`)
  const handle = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

function read({ handle }: SpooledLayer): Readable {
  return handle.createReadStream({ start: 0, autoClose: false, highWaterMark: pieceBytes })
}

type Archive = { config: string; reference: string; below: LayersBelow; file: SpooledLayer }

function archiveOf({ file, ...image }: Archive): Readable {
  const archive = pack()
  const own = { blob: { mediaType: layerType, digest: file.digest, size: file.bytes }, file: blobPath(file.digest) }
  const entry = archive.entry({ name: own.file, size: file.bytes }, (error) => {
    if (error) archive.destroy(error)
    else describeImage(archive, { ...image, own: [own] })
  })
  read(file).pipe(entry)
  return Readable.from(archive)
}
