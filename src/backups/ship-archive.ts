import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { AddonId } from '../model/ids.ts'
import { extract } from '../tar.ts'
import type { Rclone } from './rclone.ts'
import { batchesOf, type ArchiveFile, type Shipped } from './shipped.ts'

export type ShipDeps = {
  engine: Pick<Engine, 'execInService' | 'readFromService'>
  rclone: Rclone
  /** Holds what is on its way. */
  directory: string
  /** Below which archives are at the target. */
  place: string
}

/** Of what is on its way at once, so that little room is needed. */
const mostBytes = 256 * 2 ** 20
const repository = '/backups/repo'
/** What a process that was killed left there is removed. */
export const onItsWay = 'on-its-way'

/** The id that an archive got when it was begun: one that is begun anew replaces none. */
export async function archiveIdOf({ engine }: ShipDeps, container: string, signal: AbortSignal): Promise<string> {
  const { code, output } = await engine.execInService(container, { argv: ['cat', `${repository}/id`] }, signal)
  const id = output.trim()
  if (code === 0 && /^\d{1,20}$/.test(id)) return id
  throw new PaasError('backup_failed', 'The add-on has no archive yet.')
}

/** Of an archive all files, or those that were written since. What is being written is left out. */
export async function filesOf(
  { engine }: ShipDeps,
  container: string,
  { since }: { since: Date | undefined },
  signal: AbortSignal,
): Promise<ArchiveFile[]> {
  const newer = since ? ['-newermt', `@${Math.floor(since.getTime() / 1000)}`] : []
  const argv = ['find', repository, '-type', 'f', '!', '-name', '*.tmp', ...newer, '-printf', String.raw`%s %T@ %P\n`]
  const { code, output } = await engine.execInService(container, { argv }, signal)
  // A file may go while the directory is read.
  if (code !== 0 && output === '') throw new PaasError('backup_failed', 'The archive cannot be read.')
  return output.split('\n').flatMap((line) => {
    const [, bytes, time, path] = /^(\d+) (\d+\.\d+) ([\w./+-]+)$/.exec(line) ?? []
    if (path === undefined || path.split('/').includes('..')) return []
    return [{ path, bytes: Number(bytes), stamp: `${bytes} ${time}` }]
  })
}

/**
 * Stores what the target does not have, and reads it back, a part at a time.
 * @param shipped is kept up to date
 */
export async function shipFiles(
  deps: ShipDeps,
  {
    addonId,
    container,
    files,
    shipped,
  }: { addonId: AddonId; container: string; files: ArchiveFile[]; shipped: Shipped },
  signal: AbortSignal,
): Promise<number> {
  const wanted = files.filter(({ path, stamp }) => shipped.files[path]?.stamp !== stamp)
  for (const batch of batchesOf(wanted, mostBytes)) {
    await using staging = await openStaging(deps.directory)
    const there: ArchiveFile[] = []
    for (const file of batch) if (await bring(deps, container, file, staging.path)) there.push(file)
    await deps.rclone.store(staging.path, `${deps.place}/${addonId}/${shipped.archive}`, signal)
    for (const { path, stamp } of there) shipped.files[path] = { stamp }
  }
  return wanted.length
}

export async function openStaging(directory: string): Promise<AsyncDisposable & { path: string }> {
  await mkdir(join(directory, onItsWay), { recursive: true, mode: 0o700 })
  const path = await mkdtemp(join(directory, onItsWay, 'part-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** One that is gone by now is of a backup that was removed. */
async function bring({ engine }: ShipDeps, container: string, { path }: ArchiveFile, into: string): Promise<boolean> {
  const tar = await engine.readFromService(container, `${repository}/${path}`).catch((cause: unknown) => {
    if ((cause as { statusCode?: number }).statusCode === 404) return undefined
    throw cause
  })
  if (!tar) return false
  await mkdir(dirname(join(into, path)), { recursive: true })
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error)).pipe(entries)
  for await (const entry of entries) await pipeline(entry, createWriteStream(join(into, path), { mode: 0o600 }))
  return true
}
