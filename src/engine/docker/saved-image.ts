import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { extract } from '../../tar.ts'

/** A file that an image is made of (OCI content descriptor). */
export type Blob = { mediaType: string; digest: string; size: number }

/**
 * Where a blob is in an archive (OCI image layout, "Blobs"; `docker load` takes the names as
 * they are).
 */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

/**
 * The layers of an image that containerd's image store saves, bottom first. The image is named by
 * the digest of its manifest, which is one of the files; what follows that is not waited for.
 * Undefined for an image of several platforms, whose layers are not one list.
 */
export async function readLayers(saved: Readable, id: string): Promise<Blob[] | undefined> {
  const entries = extract()
  saved.on('error', (error) => entries.destroy(error)).pipe(entries)
  try {
    for await (const entry of entries) {
      if (entry.header.name !== blobPath(id)) entry.resume()
      else return (JSON.parse((await buffer(entry as unknown as Readable)).toString()) as { layers?: Blob[] }).layers
    }
    return undefined
  } finally {
    saved.destroy()
  }
}
