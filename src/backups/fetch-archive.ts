import { lstat, readdir } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { tenant } from '../model/app-user.ts'
import type { ArchiveFetch } from '../store/addon-backup-records.ts'
import { pack } from '../tar.ts'
import { openStaging, type ShipDeps } from './ship-archive.ts'

type FetchDeps = Omit<ShipDeps, 'engine'> & { engine: Pick<Engine, 'listServices' | 'writeToService'> }

/**
 * Brings an archive from the target into the volume of the container that waits for it.
 * @throws backup_missing, backup_target_refused
 */
export async function fetchArchive(
  deps: FetchDeps,
  { id, addonId, at }: ArchiveFetch,
  signal: AbortSignal,
): Promise<void> {
  const { engine, rclone, place, directory } = deps
  const [container] = await engine.listServices({ addonId: id })
  if (!container) throw new PaasError('backup_failed', 'The container that waited for it went away.')
  const archives = await rclone.list(`${place}/${addonId}`, signal)
  const begun = archives.map((name) => Number(name.replace('/', ''))).filter((time) => time * 1000 <= at.getTime())
  if (begun.length === 0) throw new PaasError('backup_missing', 'The backup target has no archive of it of that time.')
  await using staging = await openStaging(directory)
  await rclone.fetch(`${place}/${addonId}/${Math.max(...begun)}`, staging.path, signal)
  const tar = pack()
  const packed = packAll(tar, staging.path)
  await Promise.all([
    engine.writeToService(container.id, '/backups/source', Readable.from(tar, { objectMode: false })),
    packed,
  ])
}

/** As the add-on's own user has them. */
async function packAll(tar: ReturnType<typeof pack>, directory: string): Promise<void> {
  try {
    const owner = { uid: tenant.uid, gid: tenant.gid }
    tar.entry({ name: 'repo', type: 'directory', mode: 0o750, ...owner })
    const found = await readdir(directory, { recursive: true, withFileTypes: true })
    for (const one of found.toSorted((a, b) => a.parentPath.localeCompare(b.parentPath))) {
      const path = join(one.parentPath, one.name)
      const name = join('repo', relative(directory, path))
      if (one.isDirectory()) tar.entry({ name, type: 'directory', mode: 0o750, ...owner })
      if (!one.isFile()) continue
      const { size } = await lstat(path)
      await pipeline(createReadStream(path), tar.entry({ name, size, mode: 0o640, ...owner }))
    }
    tar.finalize()
  } catch (cause) {
    tar.destroy(cause as Error)
    throw cause
  }
}
