import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Restic } from '../backups/restic.ts'
import { vault } from '../backups/vault.ts'
import { loadConfig, type BackupSettings, type Config } from '../config.ts'
import { findServerId } from '../data-directory.ts'
import { PaasError } from '../errors.ts'
import { createLog } from '../log.ts'

/**
 * `node dist/vault.js` answers one connection, its standard input, and ends with it: the backup
 * target's keys are nowhere but in a process that does nothing else, for as long as it does that.
 */
function main(): void {
  const config = loadConfig()
  const log = createLog('vault', config.logLevel)
  const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, (request, response) =>
    listener(config, (thrown) => log.warn({ err: thrown }, 'a call of the worker failed'))(request, response),
  )
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  const connection = new Socket({ fd: 0, readable: true, writable: true })
  connection.once('close', () => server.close())
  server.emit('connection', connection)
}

function listener(config: Config, log: (thrown: unknown) => void) {
  const host = findServerId(config)
  if (host === undefined) throw new Error('there is no server in the data directory')
  const { volumeBackup, cacheDirectory, paths } = config
  makePassphrase(volumeBackup, paths)
  const restic = new Restic({
    ...volumeBackup,
    cacheDirectory: join(cacheDirectory, 'restic'),
    lock: paths.backupsLock,
  })
  return vault({ restic, host, keepDays: volumeBackup.keepDays, log })
}

/** Backups in the data directory have one that lies beside them: they are as safe as it is. */
function makePassphrase({ passphraseFile }: BackupSettings, { backupsHerePassphrase }: Config['paths']): void {
  if (passphraseFile === backupsHerePassphrase && !existsSync(passphraseFile)) {
    mkdirSync(dirname(passphraseFile), { recursive: true, mode: 0o700 })
    writeFileSync(passphraseFile, randomBytes(32).toString('base64'), { mode: 0o600 })
  }
  if (existsSync(passphraseFile)) return
  throw new PaasError('backup_not_set_up', `The file with the passphrase, ${passphraseFile}, is missing.`, {
    hint: 'Bring it back: without it nobody can read the backups.',
  })
}

if (import.meta.main) main()
