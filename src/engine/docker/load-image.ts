import { buffer } from 'node:stream/consumers'
import { Readable, type Writable } from 'node:stream'
import { extract, pack, type TarEntry, type Pack } from '../../tar.ts'
import type { Engine, Image } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { builtImage, notAnImage, type BuiltImage } from './built-image.ts'
import { EngineRefusal, unlessMissing, type DockerDeps } from './client.ts'
import { describeImage, layerType, type LayersBelow, type OwnLayer } from './image-archive.ts'
import { copyLayer, LayerLimits } from './layer-check.ts'
import type { KnownLayers } from './layers-below.ts'
import { load } from './load.ts'
import { imageName } from './names.ts'

type Entries = AsyncIterator<TarEntry>

/** Bytes of a manifest or a configuration. */
const mostBytes = 4 * 2 ** 20

type LoadDeps = DockerDeps & { layers: KnownLayers }

/** The layers of each image that need not come again with one that is loaded. */
export async function sharedLayers({ docker, layers }: LoadDeps, digests: string[]): Promise<string[][]> {
  const found = await Promise.all(
    digests.map(async (digest) => {
      const image = await unlessMissing(docker.getImage(digest).inspect())
      return image && layers.below(image)
    }),
  )
  return found.flatMap((below) => (below ? [below.diffIds] : []))
}

/**
 * Takes an image from where strangers may have forged any of it. Nothing of it is believed: a layer
 * is what its digest says, and only layers of the images given may be missing, else one could have
 * another tenant's by naming them. The rest of the archive is not waited for.
 * @throws build_failed
 */
export async function loadImage(
  deps: LoadDeps,
  { archive, shared, labels, appId, diskMiB }: Parameters<Engine['loadImage']>[0],
): Promise<Image & { hasVolumes: boolean }> {
  const tar = extract()
  archive.on('error', (error) => tar.destroy(error)).pipe(tar)
  const entries = tar[Symbol.asyncIterator]() as Entries
  const manifest = await readSmall(entries)
  const config = await readSmall(entries)
  const own = { ...labels, [label.server]: deps.serverId, [label.kind]: 'image' satisfies Kind, [label.app]: appId }
  const image = builtImage(manifest, config, { shared, labels: own })
  const reference = imageName(deps.serverId)
  const diffIds = image.layers.slice(0, image.shared).map(({ diffId }) => diffId)
  const below = { diffIds, blobs: deps.layers.blobs(diffIds) }
  // Whoever reads it is told.
  const output = pack().on('error', () => undefined)
  const broken = new AbortController()
  const archived = Readable.from(output).on('error', () => undefined)
  const loading = load(deps, archived, reference, broken.signal).catch(refused)
  const writing = writeArchive(output, { entries, image, below, reference, limits: new LayerLimits(diskMiB) })
  writing.catch((error: Error) => broken.abort(error))
  try {
    const [loaded] = await Promise.all([loading, writing])
    return { ...loaded, hasVolumes: image.hasVolumes }
  } finally {
    output.destroy()
  }
}

type Written = { entries: Entries; image: BuiltImage; below: LayersBelow; reference: string; limits: LayerLimits }

/** Of layers that the engine has there is the name only. */
async function writeArchive(output: Pack, { entries, image, below, reference, limits }: Written): Promise<void> {
  const wanted = image.layers.slice(image.shared)
  const missing = new Map(wanted.map(({ blob, diffId }) => [blob, diffId]))
  const added = new Map<string, OwnLayer>()
  while (missing.size > 0) {
    const { value: entry } = await entries.next()
    if (!entry) throw notAnImage()
    const { name } = entry.header
    const diffId = missing.get(name)
    missing.delete(name)
    if (diffId === undefined) entry.resume()
    else added.set(name, await addLayer(output, entry, { diffId, limits }))
  }
  const own = wanted.flatMap(({ blob }) => added.get(blob) ?? [])
  describeImage(output, { config: image.config, reference, below, own })
}

/**
 * What the layer is called here is a stranger's word. By the name of another tenant's, the engine
 * would give that instead.
 */
async function addLayer(output: Pack, entry: TarEntry, layer: Parameters<typeof copyLayer>[2]): Promise<OwnLayer> {
  const { promise: written, resolve, reject } = Promise.withResolvers<void>()
  written.catch(() => undefined)
  const { name, size } = entry.header
  const file = `layers/${name}`
  const target = output.entry({ name: file, size }, (error) => (error ? reject(error) : resolve()))
  target.on('error', () => undefined)
  const digest = await copyLayer(entry as AsyncIterable<Buffer>, target as unknown as Writable, layer)
  await written
  return { blob: { mediaType: `${layerType}+gzip`, digest, size }, file }
}

async function readSmall(entries: Entries): Promise<string> {
  const { value: entry } = await entries.next()
  if (!entry || (entry.header.size ?? 0) > mostBytes) throw notAnImage()
  return (await buffer(entry as unknown as Readable)).toString()
}

/** The engine could not read what the configuration says. */
function refused(cause: unknown): never {
  throw cause instanceof EngineRefusal ? notAnImage(cause) : cause
}
