import { createHash } from 'node:crypto'
import type { Pack } from '../../tar.ts'
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

function blobOf(mediaType: string, content: string): Blob {
  return { mediaType, digest: sha256(content), size: Buffer.byteLength(content) }
}

/** `sha256:…`, as images and layers are named. */
function sha256(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
