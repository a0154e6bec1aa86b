import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Pack } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import type { Image } from '../engine.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { getImage } from './images.ts'
import { readJsonLines, type Progress } from './json-lines.ts'
import { blobPath, type Blob } from './saved-image.ts'

export const layerType = 'application/vnd.oci.image.layer.v1.tar'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const configType = 'application/vnd.oci.image.config.v1+json'

/**
 * Layers that the engine has, bottom first. `blobs` is what containerd's image store keeps them
 * as; storage drivers keep none.
 */
export type LayersBelow = { diffIds: string[]; blobs: Blob[] | undefined }

/** A layer that is in the archive, by the name of its file there. */
export type OwnLayer = { blob: Blob; file: string }

type Described = { config: string; reference: string; below: LayersBelow; own: OwnLayer[] }

/**
 * Ends an archive whose own layers have been added. Those below are named and not there: the
 * engine asks only for what it lacks. A storage driver finds them by their diff ids in Docker's
 * format (Docker image specification v1.2), containerd's image store by the digests of their
 * blobs, in OCI's, for which all of them would have to be in an archive of Docker's.
 */
export function describeImage(archive: Pack, { config, reference, below, own }: Described): void {
  const add = (name: string, content: string) => archive.entry({ name }, content)
  const configBlob = blobOf(configType, config)
  add(blobPath(configBlob.digest), config)
  if (below.blobs === undefined) {
    const layers = [...below.diffIds.map(blobPath), ...own.map(({ file }) => file)]
    add(
      'manifest.json',
      JSON.stringify([{ Config: blobPath(configBlob.digest), RepoTags: [reference], Layers: layers }]),
    )
  } else {
    const layers = [...below.blobs, ...own.map(({ blob }) => blob)]
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: configBlob, layers })
    const annotations = { 'io.containerd.image.name': `docker.io/library/${reference}` }
    const manifests = [{ ...blobOf(manifestType, manifest), annotations }]
    add(blobPath(sha256(manifest)), manifest)
    add('index.json', JSON.stringify({ schemaVersion: 2, manifests }))
    add('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  }
  archive.finalize()
}

/**
 * Has the engine take an archive of one image. Nothing of one that it does not take remains.
 * @throws build_failed for what is in its layers
 */
export async function load(
  deps: DockerDeps,
  archive: Readable,
  reference: string,
  signal?: AbortSignal,
): Promise<Image> {
  try {
    const output = await deps.docker.loadImage(archive, { quiet: true, ...(signal && { abortSignal: signal }) })
    for await (const { error, stream = '' } of readJsonLines<Progress>(output as Readable)) {
      // containerd's image store keeps an image whose layers it cannot unpack; only the progress
      // messages say so.
      if (error !== undefined || stream.startsWith('Error unpacking ')) throw notTaken(error ?? stream)
    }
    return await getImage(deps, reference)
  } catch (error) {
    await unlessMissing(deps.docker.getImage(reference).remove({ force: true })).catch((failure: unknown) =>
      deps.log.warn({ error: failure, reference }, 'an image that was not taken is not removed'),
    )
    throw error
  }
}

/**
 * What the engine says of a layer is about the files in it, which are the app's; unless it is
 * the disk's. Its own directories are nobody's.
 */
function notTaken(error: string): PaasError {
  if (/no space left on device/i.test(error))
    return new PaasError('disk_full', "The disk that holds Docker's data is full.")
  const words = error
    .replace(/^.*failed to extract layer [^ ]+: /, '')
    .split(' ')
    .map(inImage)
    .join(' ')
  return new PaasError(
    'build_failed',
    `build failed: its files cannot be stored as an image: ${words.trim().slice(0, 300)}`,
  )
}

/** A word of an error, with a path in the engine's directories as one of the image. */
function inImage(word: string): string {
  const place = /\/snapshots\/\d+\/fs\//.exec(word)
  return place ? word.slice(0, word.indexOf('/')) + word.slice(place.index + place[0].length - 1) : word
}

function blobOf(mediaType: string, content: string): Blob {
  return { mediaType, digest: sha256(content), size: Buffer.byteLength(content) }
}

/** `sha256:…`, as images and layers are named. */
function sha256(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
