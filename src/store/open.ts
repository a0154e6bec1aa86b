import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { PaasError } from '../errors.ts'
import { openAccountRecords } from './accounts.ts'
import { openAccountUsageRecords } from './account-usage.ts'
import { openAddonAttachmentRecords } from './addon-attachments.ts'
import { openAddonBackupRecords } from './addon-backups.ts'
import { openAddonProofRecords } from './addon-proofs.ts'
import { openAddonUpgradeRecords } from './addon-upgrades.ts'
import { openAddonRecords } from './addons.ts'
import { openAppSetupRecords } from './app-setups.ts'
import { openAppTransferRecords } from './app-transfers.ts'
import { openAppRecords } from './apps.ts'
import { openAuditRecords } from './audit.ts'
import { openBuildpackRecords } from './buildpacks.ts'
import { openArchiveFetchRecords } from './archive-fetches.ts'
import { openBuildRecords } from './builds.ts'
import { openCipher } from './cipher.ts'
import { openCollaboratorRecords } from './collaborators.ts'
import { checkCommits, CommitCounter } from './commit-counter.ts'
import { openConfigVarRecords } from './config-vars.ts'
import { Database } from './database.ts'
import { openBackupScheduleRecords } from './backup-schedules.ts'
import { openDataTransferRecords } from './data-transfers.ts'
import { openDomainRecords } from './domains.ts'
import { openDrainRecords } from './drains.ts'
import { openDynoStateRecords } from './dyno-states.ts'
import { openEdgeRecords } from './edges.ts'
import { openOwnPageRecords } from './own-pages.ts'
import { openFormationRecords } from './formations.ts'
import { checkPages, keepPages } from './keep-pages.ts'
import { openKeyRecords } from './keys.ts'
import { migrate, versionOf } from './migrations.ts'
import { openManagedCertificateRecords } from './managed-certificates.ts'
import { openOneOffRecords } from './one-offs.ts'
import { openReleaseRecords } from './releases.ts'
import { openSlugDraftRecords } from './slug-drafts.ts'
import { openSlugRecords } from './slugs.ts'
import { openSniEndpointRecords } from './sni-endpoints.ts'
import { openSourceRecords } from './sources.ts'
import { openStackPatchRecords, openStackUpgradeRecords } from './stack-upgrades.ts'
import type { Store } from './store.ts'
import { openTokenRecords } from './tokens.ts'
import { openTwoFactorRecords } from './two-factor.ts'
import { openVolumeCopyRecords } from './volume-copies.ts'
import { openVolumeProofRecords } from './volume-proofs.ts'
import { openVolumeRecords } from './volumes.ts'
import { openWebhookDeliveryRecords } from './webhook-deliveries.ts'
import { openWebhookRecords } from './webhooks.ts'

export type StoreOptions = {
  path: string
  keyPath: string
  /**
   * Told of damage that is found while the database is open, by each look that finds it. Nothing
   * stops of it.
   */
  onDamage?: (damage: PaasError) => void
}

/** Commits after which the log is brought into the main file. */
const commitsPerCheckpoint = 100
/** Pages of the log at which SQLite does so by itself, unchecked: 16 MiB. */
const longestLog = 4_096

/**
 * Opens the database, makes it at the first start and brings an older schema up to date. Several
 * processes may have it open.
 * @throws data_directory_newer, data_directory_foreign, data_key_wrong, database_damaged
 */
export function openStore({ path, keyPath, onDamage = () => undefined }: StoreOptions): Store {
  const told = (look: () => void): void => {
    try {
      look()
    } catch (cause) {
      if (cause instanceof PaasError && cause.code === 'database_damaged') onDamage(cause)
    }
  }
  const keep = (db: Database): void => told(() => keepPages(db, path))
  const db = openDatabase(path, keep)
  try {
    const cipher = openCipher(db, keyPath)
    const releases = openReleaseRecords(db, cipher)
    const addonAttachments = openAddonAttachmentRecords(db, cipher)
    return {
      transaction: (work) => db.transaction(work),
      secretFor: (purpose) => cipher.secretFor(purpose),
      accounts: openAccountRecords(db),
      accountUsage: openAccountUsageRecords(db),
      tokens: openTokenRecords(db),
      twoFactors: openTwoFactorRecords(db, cipher),
      apps: openAppRecords(db, releases),
      configVars: openConfigVarRecords(db, cipher, (appId) => addonAttachments.configOf(appId)),
      builds: openBuildRecords(db, cipher),
      slugs: openSlugRecords(db),
      slugDrafts: openSlugDraftRecords(db),
      buildpacks: openBuildpackRecords(db),
      releases,
      formations: openFormationRecords(db),
      collaborators: openCollaboratorRecords(db),
      drains: openDrainRecords(db, cipher),
      domains: openDomainRecords(db),
      edges: openEdgeRecords(db),
      ownPages: openOwnPageRecords(db),
      sniEndpoints: openSniEndpointRecords(db, cipher),
      managedCertificates: openManagedCertificateRecords(db, cipher),
      keys: openKeyRecords(db),
      sources: openSourceRecords(db),
      appSetups: openAppSetupRecords(db, cipher),
      appTransfers: openAppTransferRecords(db),
      webhooks: openWebhookRecords(db, cipher),
      webhookDeliveries: openWebhookDeliveryRecords(db),
      oneOffs: openOneOffRecords(db, cipher),
      dynoStates: openDynoStateRecords(db),
      stackPatches: openStackPatchRecords(db),
      stackUpgrades: openStackUpgradeRecords(db),
      volumes: openVolumeRecords(db),
      volumeCopies: openVolumeCopyRecords(db),
      volumeProofs: openVolumeProofRecords(db),
      addons: openAddonRecords(db, cipher),
      addonAttachments,
      audit: openAuditRecords(db),
      commits: () => db.get<{ commits: number }>('SELECT commits FROM meta')?.commits ?? 0,
      dataTransfers: openDataTransferRecords(db, cipher),
      backupSchedules: openBackupScheduleRecords(db),
      addonBackups: openAddonBackupRecords(db),
      addonProofs: openAddonProofRecords(db),
      addonUpgrades: openAddonUpgradeRecords(db),
      archiveFetches: openArchiveFetchRecords(db),
      check: () => {
        keep(db)
        told(() => checkContent(db, 'integrity_check'))
      },
      [Symbol.dispose]: () => {
        keep(db)
        db[Symbol.dispose]()
      },
    }
  } catch (cause) {
    db[Symbol.dispose]()
    throw cause
  }
}

function openDatabase(path: string, keep: (db: Database) => void): Database {
  mkdirSync(dirname(path), { recursive: true })
  // Created here because SQLite would make it readable for all; its -wal and -shm files get the
  // same mode.
  closeSync(openSync(path, 'a', 0o660))
  const db = new Database(path)
  try {
    checkPages(db, path)
    // Checked before anything is changed: the file may belong to another program.
    versionOf(db, path)
    useWriteAheadLog(db)
    migrate(db, path)
    checkContent(db, 'quick_check')
    const counter = new CommitCounter(`${path}-commits`, db)
    db.countCommits(counter, (commits) => {
      if (commits % commitsPerCheckpoint === 0) keep(db)
    })
    checkCommits(db, counter, path)
    return db
  } catch (cause) {
    db[Symbol.dispose]()
    throw cause
  }
}

/**
 * The mode stays with the file, so only the first start changes it; a second process at that moment
 * waits its turn.
 */
function useWriteAheadLog(db: Database): void {
  const mode = db.get<{ journal_mode: string }>('PRAGMA journal_mode')?.journal_mode
  if (mode !== 'wal') db.execute('PRAGMA journal_mode = WAL')
  db.execute(`PRAGMA wal_autocheckpoint = ${longestLog}`)
}

/**
 * Whether its trees are in order, and with `integrity_check` its indices too. What a value is
 * SQLite cannot know.
 * @throws database_damaged
 */
export function checkContent(db: Database, pragma: 'quick_check' | 'integrity_check'): void {
  const problems = db.all<Record<string, string>>(`PRAGMA ${pragma}(3)`).map((row) => row[pragma])
  if (problems.join() === 'ok') return
  throw new PaasError('database_damaged', `The database is damaged: ${problems.join('; ')}.`)
}
