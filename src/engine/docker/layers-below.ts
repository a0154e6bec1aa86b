import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { DockerDeps } from './client.ts'
import type { LayersBelow } from './image-archive.ts'
import { readLayers, type Blob } from './saved-image.ts'

/** Images whose blobs are remembered: an image's never change. */
const most = 500

/**
 * Knows what an image's layers are to be called in an archive that does not hold them. The
 * engine tells the blobs of containerd's image store nowhere but in an image that it saves, so
 * each is looked at once.
 */
export class KnownLayers {
  readonly #deps: Pick<DockerDeps, 'docker'>
  readonly #blobs = new Map<string, Blob[]>()

  constructor(deps: Pick<DockerDeps, 'docker'>) {
    this.#deps = deps
  }

  /** Undefined for an image of several platforms, whose layers are not one list. */
  async below(image: Docker.ImageInspectInfo): Promise<LayersBelow | undefined> {
    const diffIds = image.RootFS.Layers ?? []
    if (keepsLayers(image)) return { diffIds, blobs: undefined }
    const blobs = this.#blobs.get(keyOf(diffIds)) ?? (await this.#read(image.Id))
    if (blobs?.length !== diffIds.length) return undefined
    this.remember(diffIds, blobs)
    return { diffIds, blobs }
  }

  /** Of layers that `below` told before. */
  blobs(diffIds: string[]): Blob[] | undefined {
    return this.#blobs.get(keyOf(diffIds))
  }

  remember(diffIds: string[], blobs: Blob[]): void {
    this.#blobs.delete(keyOf(diffIds))
    this.#blobs.set(keyOf(diffIds), blobs)
    for (const key of this.#blobs.keys()) if (this.#blobs.size > most) this.#blobs.delete(key)
  }

  async #read(id: string): Promise<Blob[] | undefined> {
    return readLayers((await this.#deps.docker.getImage(id).get()) as Readable, id)
  }
}

/** Storage drivers say where a layer's files are; containerd's image store has no such thing. */
export function keepsLayers({ GraphDriver }: Docker.ImageInspectInfo): boolean {
  return GraphDriver?.Data !== null && GraphDriver?.Data !== undefined
}

function keyOf(diffIds: string[]): string {
  return diffIds.join()
}
