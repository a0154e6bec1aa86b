import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { storeArchives } from '../backups/archive-store.ts'
import { Rclone } from '../backups/rclone.ts'
import { onItsWay } from '../backups/ship-archive.ts'
import { loadConfig } from '../config.ts'
import { findServerId } from '../data-directory.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import { createLog } from '../log.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { openStore } from '../store/open.ts'

/**
 * Keeps the archives of databases at the backup target, until SIGTERM. Of no role, as the process
 * that backs the server up: it has the keys of the target, and reads what belongs to all.
 */
async function main(): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(shutdown))
  const config = loadConfig()
  const log = createLog('archives', config.logLevel)
  const serverId = findServerId(config)
  if (!config.backup || serverId === undefined) return
  using store = openStore({ path: config.paths.database, keyPath: config.paths.key })
  const engine = connectDocker({ ...config, serverId, log })
  const directory = join(config.paths.backups, 'archives')
  rmSync(join(directory, onItsWay), { recursive: true, force: true })
  const { keepDays } = config.backup
  const deps = {
    engine,
    rclone: new Rclone(config.backup),
    store,
    directory,
    place: `archives/${serverId}`,
    keepDays,
    log,
  }
  await storeArchives(deps, stop.signal).catch((cause: unknown) => {
    if (!stop.signal.aborted) throw cause
  })
}

if (import.meta.main) await main()
