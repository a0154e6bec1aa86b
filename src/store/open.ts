import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { PaasError } from '../errors.ts'
import { openAccounts } from './accounts.ts'
import { openAccountUsage } from './account-usage.ts'
import { openAppSetups } from './app-setups.ts'
import { openAppTransfers } from './app-transfers.ts'
import { openApps } from './apps.ts'
import { openBuildpacks } from './buildpacks.ts'
import { openBuilds } from './builds.ts'
import { openCipher } from './cipher.ts'
import { openCollaborators } from './collaborators.ts'
import { checkCommits, CommitCounter } from './commit-counter.ts'
import { openConfigVars } from './config-vars.ts'
import { Database } from './database.ts'
import { openDomains } from './domains.ts'
import { openDrains } from './drains.ts'
import { openDynoStates } from './dyno-states.ts'
import { openFormations } from './formations.ts'
import { checkPages, keepPages } from './keep-pages.ts'
import { openKeys } from './keys.ts'
import { migrate, versionOf } from './migrations.ts'
import { openOneOffs } from './one-offs.ts'
import { openReleases } from './releases.ts'
import { openSlugDrafts } from './slug-drafts.ts'
import { openSlugs } from './slugs.ts'
import { openSniEndpoints } from './sni-endpoints.ts'
import { openSources } from './sources.ts'
import type { Store } from './store.ts'
import { openTokens } from './tokens.ts'
import { openWebhookDeliveries } from './webhook-deliveries.ts'
import { openWebhooks } from './webhooks.ts'

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
    const releases = openReleases(db, cipher)
    return {
      transaction: (work) => db.transaction(work),
      secretFor: (purpose) => cipher.secretFor(purpose),
      accounts: openAccounts(db),
      accountUsage: openAccountUsage(db),
      tokens: openTokens(db),
      apps: openApps(db, releases),
      configVars: openConfigVars(db, cipher),
      builds: openBuilds(db, cipher),
      slugs: openSlugs(db),
      slugDrafts: openSlugDrafts(db),
      buildpacks: openBuildpacks(db),
      releases,
      formations: openFormations(db),
      collaborators: openCollaborators(db),
      drains: openDrains(db, cipher),
      domains: openDomains(db),
      sniEndpoints: openSniEndpoints(db, cipher),
      keys: openKeys(db),
      sources: openSources(db),
      appSetups: openAppSetups(db, cipher),
      appTransfers: openAppTransfers(db),
      webhooks: openWebhooks(db, cipher),
      webhookDeliveries: openWebhookDeliveries(db),
      oneOffs: openOneOffs(db, cipher),
      dynoStates: openDynoStates(db),
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
  // Made here because SQLite would make it readable for all; its -wal and -shm files take over this
  // mode.
  closeSync(openSync(path, 'a', 0o660))
  const db = new Database(path)
  try {
    checkPages(db, path)
    // Before anything is changed: the file may be somebody else's.
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
