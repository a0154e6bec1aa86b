import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config.ts'
import type { Engine, Image } from '../engine/engine.ts'
import type { Addon } from '../model/addon.ts'
import type { Service } from '../model/service.ts'
import { copyDatabase } from '../store/copy.ts'
import type { Store } from '../store/store.ts'
import { readRepositoryRefs } from './repository-refs.ts'
import { damaged } from './damaged.ts'
import { manifestFile, writeManifest, type Manifest } from './manifest.ts'
import { IncompleteError, type Restic, type Stored } from './restic.ts'
import { digestOf, digestsIn } from './sums.ts'
import { storeAddons } from './addon-data.ts'
import { storeVolumes, type OpenVolume } from './volume-data.ts'

export type BackupParts = {
  config: Pick<Config, 'dataDirectory' | 'paths'>
  serverId: string
  store: Pick<Store, 'apps' | 'slugs' | 'volumes' | 'addons'>
  engine: Pick<Engine, 'listImages' | 'saveImages' | 'listServices' | 'streamInService' | 'endExec'>
  services: Service[]
  /** What add-ons run as, and what that is made on, as far as it is there. */
  serviceImages: (addons: Addon[]) => Promise<Image[]>
  openVolume: OpenVolume
  restic: Restic
  keepDays: number
  /** Told of each step before it begins. */
  say: (step: string) => void
}

/**
 * `bytes`: what the backup holds; `addedBytes`: what the target did not have yet; `lacks`: what
 * could not be stored, and why.
 */
export type BackupDone = {
  snapshot: string
  takenAt: Date
  apps: number
  volumes: number
  addons: number
  lacks: string[]
  bytes: number
  addedBytes: number
}

/** Of the two snapshots that a backup is. */
export const tags = { files: 'paas-server', images: 'paas-images' } as const
export const imagesFile = 'images.tar'
/** In the data directory, and so in a snapshot, whose names begin there. */
export const takenDirectory = 'backups/taken'

/** Files that come and go while they are read are read again. */
const mostTries = 3

/**
 * Stores what a server needs to be itself again on another machine: database, key, certificates,
 * repositories, output of builds, and the images of all releases. It counts once all of it was read
 * back and is what was taken. The server runs meanwhile.
 * @throws backup_failed, backup_target_refused, backup_damaged
 */
export async function backUpServer(parts: BackupParts, signal: AbortSignal): Promise<BackupDone> {
  const { restic, serverId: host, keepDays } = parts
  await restic.open({ make: true, signal })
  await restic.unlock(signal)
  const done = await storeServer(parts, signal)
  // Of a dump that was ended in the midst, or that a backup which was killed had left running.
  await restic.unlock(signal)
  await restic.forget({ host, keepDays }, signal)
  return done
}

/** Old copies of volumes are not removed from the target meanwhile. */
async function storeServer(parts: BackupParts, signal: AbortSignal): Promise<BackupDone> {
  const { restic, serverId: host, openVolume: open, store, say } = parts
  using _held = await restic.hold({ alone: false }, signal)
  await using taken = await take(parts, signal)
  const storing = { restic, host, open, say }
  const { kept: volumes, ...copied } = await storeVolumes(storing, store.volumes.listAll(), signal)
  const { kept: addons, ...dumped } = await storeAddons({ ...parts, host }, store.addons.list(), signal)
  const images = await storeImages(parts, signal)
  const lacks = [...copied.lacks, ...dumped.lacks]
  const manifest = { ...taken.manifest, images: images?.images, volumes, addons, lacks }
  await writeFile(join(taken.directory, manifestFile), writeManifest(manifest))
  say('storing files')
  const files = await storeFiles(parts, taken.directory, signal)
  say('reading back what was stored')
  await verify(parts, { files, manifest }, signal)
  return {
    snapshot: files.snapshot,
    takenAt: new Date(manifest.takenAt),
    apps: manifest.apps,
    volumes: volumes.length,
    addons: addons.length,
    lacks,
    bytes: sum([files, copied, dumped, images?.stored].map((part) => part?.bytes)),
    addedBytes: sum([files, copied, dumped, images?.stored].map((part) => part?.addedBytes)),
  }
}

function sum(numbers: (number | undefined)[]): number {
  return numbers.reduce<number>((all, one = 0) => all + one, 0)
}

/** Small files, and the database as it is now. Disposal removes them. */
async function take({ config, serverId, store, say }: BackupParts, signal: AbortSignal) {
  const { paths, dataDirectory } = config
  const directory = join(dataDirectory, takenDirectory)
  await using life = new AsyncDisposableStack()
  life.defer(() => rm(directory, { recursive: true, force: true }))
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  say('copying the database')
  const takenAt = new Date().toISOString()
  await copyDatabase(paths.database, join(directory, 'paas.db'))
  const refs = await readRepositoryRefs(paths.repositories, signal)
  for (const path of [paths.format, paths.key, paths.tls, paths.services].filter(existsSync)) {
    await cp(path, join(directory, relative(dataDirectory, path)), { recursive: true })
  }
  const files = Object.fromEntries(
    await Promise.all(['paas.db', 'paas.json', 'key'].map(async (name) => [name, await sumOf(join(directory, name))])),
  ) as Record<string, string>
  const manifest = { serverId, takenAt, files, refs, apps: store.apps.listAll().length }
  return { directory, manifest, [Symbol.asyncDispose]: disposalOf(life.move()) }
}

function disposalOf(life: AsyncDisposableStack): () => Promise<void> {
  return () => life.disposeAsync()
}

async function sumOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

/** In one stream, where each layer is once. */
async function storeImages(
  { engine, store, restic, serverId: host, serviceImages, say }: BackupParts,
  signal: AbortSignal,
): Promise<{ images: NonNullable<Manifest['images']>; stored: Stored } | undefined> {
  const wanted = new Set(store.apps.listAll().flatMap(({ id }) => store.slugs.list(id).map(({ image }) => image)))
  const released = (await engine.listImages()).filter(({ digest }) => wanted.has(digest))
  const found = [...released, ...(await serviceImages(store.addons.list()))]
  if (found.length === 0) return undefined
  say(`storing ${found.length === 1 ? '1 image' : `${found.length} images`}`)
  const hash = createHash('sha256')
  const hashed = new PassThrough().on('data', (chunk: Buffer) => hash.update(chunk))
  const saved = await engine.saveImages(found, signal)
  const [stored] = await Promise.all([
    restic.storeStream(hashed, { file: imagesFile, tag: tags.images, host }, signal),
    pipeline(saved, hashed),
  ])
  const digests = released.map(({ digest }) => digest)
  return { images: { snapshot: stored.snapshot, sha256: hash.digest('hex'), digests }, stored }
}

async function storeFiles(
  { restic, config, serverId: host }: BackupParts,
  directory: string,
  signal: AbortSignal,
): Promise<Stored> {
  const { dataDirectory: cwd, paths } = config
  const wanted = [directory, paths.repositories, paths.builds].map((path) => relative(cwd, path))
  for (let tries = 1; ; tries++) {
    try {
      return await restic.storeFiles(wanted, { cwd, tag: tags.files, host }, signal)
    } catch (cause) {
      if (!(cause instanceof IncompleteError) || tries === mostTries) throw cause
    }
  }
}

type Made = { files: Stored; manifest: Omit<Manifest, 'format'> }

/** @throws backup_damaged */
async function verify({ restic }: BackupParts, made: Made, signal: AbortSignal): Promise<void> {
  const { images, files: wanted } = made.manifest
  const found = await restic.read(made.files.snapshot, '/', {
    use: (content: Readable) => digestsIn(content, takenDirectory),
    signal,
  })
  for (const [name, sum] of Object.entries(wanted)) {
    if (found[name] !== sum) throw damaged(`${name} is not what was stored`)
  }
  if (!images) return
  const sum = await restic.read(images.snapshot, imagesFile, { use: digestOf, signal })
  if (sum !== images.sha256) throw damaged('the images are not what was stored')
}
