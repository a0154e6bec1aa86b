import { buffer } from 'node:stream/consumers'
import { Readable, type Writable } from 'node:stream'
import { extract, pack, type Pack } from '../../tar.ts'
import type { Engine, Image } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { builtImage, notAnImage, type BuiltImage } from './built-image.ts'
import { EngineRefusal, unlessMissing, type DockerDeps } from './client.ts'
import { getImage } from './images.ts'
import { keepsLayers, load, sha256 } from './layer.ts'
import { copyLayer, LayerLimits } from './layer-check.ts'
import { imageName } from './names.ts'

type Entries = AsyncIterator<ReturnType<typeof extract> extends AsyncIterable<infer Item> ? Item : never>

/** Bytes of a manifest or a configuration. */
const mostBytes = 4 * 2 ** 20

/**
 * The layers of each image that need not come again with one that is loaded; containerd's image
 * store wants all of them.
 */
export async function sharedLayers({ docker }: DockerDeps, digests: string[]): Promise<string[][]> {
  const found = await Promise.all(digests.map((digest) => unlessMissing(docker.getImage(digest).inspect())))
  return found.flatMap((image) => (image && keepsLayers(image) ? [image.RootFS.Layers ?? []] : []))
}

/**
 * Takes an image from where strangers may have forged any of it. Nothing of it is believed: a layer
 * is what its digest says, and only layers of the images given may be missing, else one could have
 * another tenant's by naming them. The rest of the archive is not waited for.
 * @throws build_failed
 */
export async function loadImage(
  deps: DockerDeps,
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
  // Whoever reads it is told.
  const output = pack().on('error', () => undefined)
  const broken = new AbortController()
  const loading = load(
    deps,
    Readable.from(output).on('error', () => undefined),
    broken.signal,
  ).catch(refused)
  const writing = writeArchive(output, { entries, image, reference, limits: new LayerLimits(diskMiB) })
  writing.catch((error: Error) => broken.abort(error))
  try {
    await Promise.all([writing, loading])
  } finally {
    output.destroy()
  }
  return { ...(await getImage(deps, reference)), hasVolumes: image.hasVolumes }
}

type Written = { entries: Entries; image: BuiltImage; reference: string; limits: LayerLimits }

/** As `docker save` writes it. Of layers that the engine has there is the name only. */
async function writeArchive(output: Pack, { entries, image, reference, limits }: Written): Promise<void> {
  const name = `${sha256(image.config)}.json`
  const files = image.layers.map(({ blob }) => `${blob}.tar`)
  output.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: name, RepoTags: [reference], Layers: files }]))
  output.entry({ name }, image.config)
  const missing = new Map(image.layers.slice(image.shared).map(({ blob, diffId }) => [blob, diffId]))
  while (missing.size > 0) {
    const { value: entry } = await entries.next()
    if (!entry) throw notAnImage()
    const blob = entry.header.name
    const diffId = missing.get(blob)
    missing.delete(blob)
    if (diffId === undefined) entry.resume()
    else {
      const { promise: written, resolve, reject } = Promise.withResolvers<void>()
      written.catch(() => undefined)
      const header = { name: `${blob}.tar`, size: entry.header.size ?? 0 }
      const target = output.entry(header, (error) => (error ? reject(error) : resolve()))
      target.on('error', () => undefined)
      await copyLayer(entry as AsyncIterable<Buffer>, target as unknown as Writable, { diffId, limits })
      await written
    }
  }
  output.finalize()
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
