import { join } from 'node:path'
import { Restic } from '../backups/restic.ts'
import type { Config } from '../config.ts'
import { FileStorage } from '../data-transfers/file-storage.ts'
import { Storages, type BackupStorage } from '../data-transfers/storage.ts'
import { TargetStorage } from '../data-transfers/target-storage.ts'
import type { Store } from '../store/store.ts'

type Given = { config: Pick<Config, 'backup' | 'paths'>; store: Pick<Store, 'secretFor'>; serverId: string }

/** Where backups of add-ons go: to the backup target, else into the data directory. */
export function openBackupStorage({ config, store, serverId }: Given): BackupStorage {
  const { backup, paths } = config
  const files = new FileStorage(join(paths.dumps, 'kept'))
  if (!backup) return new Storages({ files, target: undefined })
  const { repository, keepDays } = backup
  const restic = new Restic({
    repository: `${repository.replace(/\/$/, '')}/dumps`,
    // The worker does not know the passphrase, which opens the backups of the whole server.
    passphrase: store.secretFor('backups of add-ons').toString('base64url'),
    cacheDirectory: join(paths.dumps, 'cache'),
    lock: join(paths.dumps, 'lock'),
  })
  return new Storages({ files, target: new TargetStorage({ restic, serverId, keepDays }) })
}

/** Where what is downloaded lies until it is loaded. */
export function openScratch({ paths }: Pick<Config, 'paths'>): BackupStorage {
  return new FileStorage(join(paths.dumps, 'downloads'))
}
