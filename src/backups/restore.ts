import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createHash } from 'node:crypto'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { imagesFile, tags, takenDirectory } from './back-up.ts'
import { damaged } from './damaged.ts'
import { manifestFile, readManifest, type Manifest } from './manifest.ts'
import { setRepositoryRefs } from './repository-refs.ts'
import type { Restic, Snapshot } from './restic.ts'
import { digestOf } from './sums.ts'
import { Begun, undoBegun } from './begun.ts'
import { restoreAddons, type AddonHome, type RestoredAddon } from './restore-addons.ts'
import { restoreVolumes } from './volume-data.ts'

export type RestoreParts = {
  config: Pick<Config, 'dataDirectory' | 'paths'>
  /** As the server with that id has it. */
  connect: (serverId: string) => Engine
  restic: Restic
  /** What add-ons are made with, for the record in a directory as a server has its own. */
  openAddons: (directory: string, engine: Engine) => AddonHome & Disposable
  /** Told of each step before it begins. */
  say: (step: string) => void
}

/**
 * `missing`: releases whose image this engine does not know by the name it had. `kept`: volumes
 * that the engine still had; `lacks`: what the backup does not hold, and why.
 */
export type Restored = {
  takenAt: Date
  apps: number
  volumes: number
  addons: RestoredAddon[]
  kept: string[]
  lacks: string[]
  missing: number
}

/**
 * Brings a server back from its backup: into a data directory that is new or empty. Nothing of it
 * is there until all of it is, so that a restore that broke off can be run again.
 * @param which the beginning of a snapshot's id, or `latest`
 * @throws restore_refused, backup_missing, backup_damaged, backup_target_refused
 */
export async function restoreServer(parts: RestoreParts, which: string, signal: AbortSignal): Promise<Restored> {
  const { config, restic, say } = parts
  await refuseUsed(config.dataDirectory)
  const found = await restic.open({ make: false, signal })
  const snapshots = found ? await restic.snapshots(tags.files, signal) : []
  const snapshot = choose(snapshots, which)
  await using draft = await openDraft(parts)
  say(`reading the backup of ${snapshot.time.slice(0, 16).replace('T', ' ')}`)
  await restic.writeTo(draft.directory, snapshot.id, signal)
  const manifest = await checkFiles(draft.directory)
  const engine = parts.connect(manifest.serverId)
  if (manifest.images) await bringImages({ ...parts, engine }, manifest.images, signal)
  const begun = new Begun(draft.begun, manifest.serverId)
  const kept = await restoreVolumes({ restic, engine, begun, say }, manifest.volumes, signal)
  const addons = await fillAddons(parts, { engine, begun, manifest, directory: draft.directory }, signal)
  const repositories = join(draft.directory, basename(config.paths.repositories))
  await setRepositoryRefs(repositories, manifest.refs, signal)
  await rm(draft.begun, { force: true })
  await putInPlace(config, draft.directory)
  const digests = manifest.images?.digests ?? []
  const images = await Promise.all(digests.map((digest) => engine.findImage(digest)))
  const missing = images.filter((image) => image === undefined).length
  const { apps, volumes, lacks } = manifest
  return {
    takenAt: new Date(manifest.takenAt),
    apps,
    volumes: volumes.length,
    addons,
    kept,
    lacks,
    missing,
  }
}

const draftName = '.restoring'

async function refuseUsed(dataDirectory: string): Promise<void> {
  const names = existsSync(dataDirectory) ? await readdir(dataDirectory) : []
  if (names.every((name) => name === 'lost+found' || name === draftName)) return
  throw new PaasError('restore_refused', `${dataDirectory} holds a server already.`)
}

/** Of several servers that keep their backups in one place, each must be asked for by name. */
function choose(snapshots: Snapshot[], which: string): Snapshot {
  const latest = snapshots.at(-1)
  if (which !== 'latest') {
    const found = snapshots.filter(({ id }) => which.length >= 6 && id.startsWith(which))
    if (found.length === 1 && found[0]) return found[0]
    const known = snapshots.slice(-5).map(({ id, time }) => `${id.slice(0, 8)} of ${time.slice(0, 16)}`)
    throw new PaasError(
      'backup_missing',
      `There is no backup "${which}". The newest are: ${known.join(', ') || 'none'}.`,
    )
  }
  if (!latest) throw new PaasError('backup_missing', 'There are no backups of a server at the target.')
  const servers = new Map(snapshots.map(({ hostname, id }) => [hostname, id.slice(0, 8)]))
  if (servers.size === 1) return latest
  const choices = [...servers].map(([server, id]) => `${id} (${server})`).join(', ')
  throw new PaasError('restore_refused', `The target has backups of ${servers.size} servers.`, {
    hint: `Name one, of these newest ones: --restore=ID with ${choices}`,
  })
}

type Draft = AsyncDisposable & { directory: string; begun: string }

/**
 * Of one that is disposed of, or that an earlier restore has left, nothing stays: neither here nor
 * in the engine, unless it was put in place.
 */
async function openDraft({ config: { dataDirectory }, connect }: RestoreParts): Promise<Draft> {
  const directory = join(dataDirectory, draftName)
  const begun = join(directory, 'begun')
  const remove = async (): Promise<void> => {
    await undoBegun(begun, connect)
    await rm(directory, { recursive: true, force: true })
  }
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  await remove()
  await mkdir(directory, { mode: 0o700 })
  return { directory, begun, [Symbol.asyncDispose]: remove }
}

type Filling = { engine: Engine; begun: Begun; manifest: Manifest; directory: string }

async function fillAddons(
  { restic, openAddons, say }: RestoreParts,
  { engine, begun, manifest: { addons }, directory }: Filling,
  signal: AbortSignal,
): Promise<RestoredAddon[]> {
  if (addons.length === 0) return []
  using home = openAddons(join(directory, takenDirectory), engine)
  await engine.secureHost()
  return await restoreAddons({ restic, home, begun, say }, addons, signal)
}

/** @throws backup_damaged */
async function checkFiles(draft: string): Promise<Manifest> {
  const taken = join(draft, takenDirectory)
  if (!existsSync(join(taken, manifestFile))) throw damaged('it has no list of what it holds')
  const manifest = readManifest(await readFile(join(taken, manifestFile), 'utf8'))
  for (const [name, wanted] of Object.entries(manifest.files)) {
    const sum = createHash('sha256').update(await readFile(join(taken, name)))
    if (sum.digest('hex') !== wanted) throw damaged(`${name} is not what was stored`)
  }
  return manifest
}

async function bringImages(
  { engine, restic, say }: RestoreParts & { engine: Pick<Engine, 'restoreImages'> },
  { snapshot, sha256, digests }: NonNullable<Manifest['images']>,
  signal: AbortSignal,
): Promise<void> {
  say(`loading ${digests.length === 1 ? '1 image' : `${digests.length} images`}`)
  const sum = await restic.read(snapshot, imagesFile, {
    signal,
    use: async (content: Readable) => {
      const [forEngine, forSum] = [new PassThrough(), new PassThrough()]
      const copied = pipeline(content, forEngine)
      content.on('data', (chunk: Buffer) => forSum.write(chunk)).on('end', () => forSum.end())
      const [digest] = await Promise.all([digestOf(forSum), engine.restoreImages(forEngine, signal), copied])
      return digest
    },
  })
  if (sum !== sha256) throw damaged('the images are not what was stored')
}

/** The file that makes it a data directory comes last. */
async function putInPlace({ dataDirectory, paths }: RestoreParts['config'], from: string): Promise<void> {
  const taken = join(from, takenDirectory)
  for (const path of [paths.repositories, paths.builds]) {
    if (existsSync(join(from, basename(path)))) await rename(join(from, basename(path)), path)
  }
  await rm(join(taken, manifestFile))
  const names = (await readdir(taken)).filter((name) => name !== basename(paths.format))
  for (const name of [...names, basename(paths.format)]) await rename(join(taken, name), join(dataDirectory, name))
}
