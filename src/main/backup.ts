import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeBackup } from '../backups/backups.ts'
import { brokenOff, listBackups } from '../backups/history.ts'
import { Restic } from '../backups/restic.ts'
import { restoreServer } from '../backups/restore.ts'
import type { OpenVolume } from '../backups/volume-data.ts'
import { sayBackups, sayDone, sayRestored, sayStep } from '../backups/say.ts'
import { loadConfig, type BackupSettings, type Config } from '../config.ts'
import { connectContainers } from '../containers/client.ts'
import { findServerId } from '../data-directory.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import type { Engine } from '../engine/engine.ts'
import { asPaasError, PaasError } from '../errors.ts'
import { createLog, type Logger } from '../log.ts'
import { openStore } from '../store/open.ts'
import { findServiceImages, openAddons, servicesIn } from './addon-parts.ts'
import { recordOwnAct } from './own-acts.ts'
import { incomplete } from '../supervisor/backups.ts'
import { sayFailure } from '../supervisor/terminal.ts'

/**
 * `node dist/backup.js` backs the server up to its target; with `--restore` or `--restore=ID` it
 * brings one back from there; with `--list` it says which backups there were, `--json` as JSON. The
 * server may run or not, but for a restore.
 */
async function main(): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => stop.abort(new PaasError('backup_failed', brokenOff)))
  }
  try {
    const { restore, list, json } = readArguments()
    const config = loadConfig()
    const log = createLog('backup', 'warn')
    if (list) sayBackups(await listBackups(config.paths.backups), { json })
    else if (restore !== undefined) await bringBack(config, { which: restore, log, json, signal: stop.signal })
    else await backUp(config, { log, json, signal: stop.signal })
  } catch (thrown) {
    sayFailure(thrown)
    process.exitCode = 1
  }
}

/** `--restore` alone means the newest backup. */
function readArguments(): { restore: string | undefined; list: boolean; json: boolean } {
  const argv = process.argv.slice(2).map((argument) => (argument === '--restore' ? '--restore=latest' : argument))
  const { values } = parseArgs({
    args: argv,
    options: {
      restore: { type: 'string' },
      list: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  return { restore: values.restore, list: values.list, json: values.json }
}

type Doing = { log: Logger; json: boolean; signal: AbortSignal }

async function backUp(config: Config, { log, json, signal }: Doing): Promise<void> {
  const settings = settingsOf(config)
  const serverId = findServerId(config)
  if (serverId === undefined) {
    throw new PaasError('backup_failed', `There is no server in ${config.dataDirectory}.`, {
      hint: 'Set PAAS_DATA to its data directory.',
    })
  }
  using store = openStore({ path: config.paths.database, keyPath: config.paths.key })
  const engine = connectDocker({ ...config, serverId, log })
  const { keepDays } = settings
  const restic = connectTarget(config, settings, config.paths.backupsLock)
  const openVolume = openVolumes(config, engine)
  const services = servicesIn(config.servicesDirectories, log)
  const serviceImages = findServiceImages({ config, engine, log, store, services })
  const adds = { services, serviceImages }
  const parts = { config, serverId, store, engine, ...adds, openVolume, restic, keepDays, say: sayStep }
  const done = await makeBackup(parts, signal).catch((cause: unknown) => {
    recordOwnAct({ store, log }, 'server.backup', { failed: asPaasError(cause).code })
    throw cause
  })
  recordOwnAct({ store, log }, 'server.backup')
  sayDone(done, { json })
  if (done.lacks.length > 0) process.exitCode = incomplete
}

async function bringBack(config: Config, { which, log, json, signal }: Doing & { which: string }): Promise<void> {
  const restic = connectTarget(config, settingsOf(config))
  const connect = (serverId: string): Engine => connectDocker({ ...config, serverId, log })
  const open = (directory: string, engine: Engine) => openAddons({ config, engine, log }, directory)
  const restored = await restoreServer({ config, connect, restic, openAddons: open, say: sayStep }, which, signal)
  sayRestored(restored, config, { json })
  if (restored.addons.some(({ state }) => state === 'failed')) process.exitCode = incomplete
}

function settingsOf({ backup }: Config): BackupSettings {
  if (!backup) throw new PaasError('backup_not_set_up', 'No backup target is set.')
  const { passphraseFile } = backup
  if (!existsSync(passphraseFile)) {
    throw new PaasError('backup_not_set_up', `The file with the passphrase, ${passphraseFile}, is missing.`, {
      hint: 'Bring it back: without it nobody can read the backups.',
    })
  }
  return backup
}

/** The worker pauses who writes; where none runs nobody does, and nobody is paused. */
function openVolumes({ paths }: Config, engine: Engine): OpenVolume {
  const containers = connectContainers(paths.containersSocket)
  return async ({ id, data, appId }, still, signal) => {
    try {
      return await containers.readVolume(id, { still }, signal)
    } catch (cause) {
      if (asPaasError(cause).code !== 'worker_unavailable') throw cause
      return engine.readVolume({ id: data, owner: appId }, signal)
    }
  }
}

function connectTarget({ cacheDirectory }: Config, settings: BackupSettings, lock?: string): Restic {
  return new Restic({
    ...settings,
    cacheDirectory: join(cacheDirectory, 'restic'),
    ...(lock !== undefined && { lock }),
  })
}

if (import.meta.main) await main()
