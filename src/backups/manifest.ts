import { PaasError } from '../errors.ts'
import type { VolumeContent } from '../model/volume-copy.ts'

/** The layout this code writes; it reads no newer one. */
const currentFormat = 3

export const manifestFile = 'manifest.json'

/**
 * What a backup holds, beside the files: enough to know that what comes back is what was taken, and
 * where everything belongs.
 */
export type Manifest = {
  format: number
  serverId: string
  /** When the database was copied: what was done until then comes back. */
  takenAt: string
  /** SHA-256 of the files that a server cannot do without, by their names in the data directory. */
  files: Record<string, string>
  /** Each repository's refs when the database was copied: name of the directory, ref, commit. */
  refs: Record<string, Record<string, string>>
  /**
   * Of releases by their digests; those of services are in the same stream. undefined: there were
   * none.
   */
  images: { snapshot: string; sha256: string; digests: string[] } | undefined
  apps: number
  /** The data of apps' volumes, and of add-ons; in format 1 there is only the number of both. */
  volumes: StoredVolume[]
  addons: StoredAddon[]
  /** What could not be stored, and why. */
  lacks: string[]
}

/** `id`: what the engine knows the volume by; `owner`: the app. */
export type StoredVolume = {
  id: string
  owner: string
  name: string
  snapshot: string
  content: VolumeContent
  isStill: boolean
}

/** What the service's `dump` wrote. */
export type StoredAddon = {
  id: string
  name: string
  service: string
  version: string
  plan: string
  extras: string[]
  /** What was committed until then is in it. */
  takenAt: string
  snapshot: string
  bytes: number
  sha256: string
  /** What is in it, as the service's `facts` has it; null: somebody wrote meanwhile. */
  facts: string[] | null
  /** What its owner has set, as the service's `configure` has it. */
  settings: Record<string, string>
}

export function writeManifest(manifest: Omit<Manifest, 'format'>): string {
  return JSON.stringify({ format: currentFormat, ...manifest }, undefined, 2)
}

/** @throws backup_damaged, data_directory_newer */
export function readManifest(text: string): Manifest {
  let manifest: Manifest
  try {
    manifest = JSON.parse(text) as Manifest
  } catch (cause) {
    throw new PaasError('backup_damaged', 'The list of what the backup holds cannot be read.', { cause })
  }
  if (manifest.format > currentFormat) {
    throw new PaasError('data_directory_newer', `The backup has the format ${manifest.format}, of a newer version.`)
  }
  if (manifest.format === 1) return { ...manifest, ...lackingData(manifest) }
  return manifest
}

function lackingData({ volumes }: Manifest): Pick<Manifest, 'volumes' | 'addons' | 'lacks'> {
  const count = Number(volumes)
  const lacks =
    count > 0 ? [`the data of ${count} volumes and add-ons, which backups of that version did not hold`] : []
  return { volumes: [], addons: [], lacks }
}
