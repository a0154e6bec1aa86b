import { PaasError } from '../errors.ts'
import { newId, type AccountId, type AppId, type ReleaseId, type SlugId } from '../model/ids.ts'
import type { ConfigVars, Release, ReleaseState } from '../model/release.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { ReleaseRecords } from './store.ts'

type ReleaseRow = {
  id: ReleaseId
  app_id: AppId
  version: number
  slug_id: SlugId | null
  description: string
  brings_code: number
  account_id: AccountId
  state: 'pending' | 'succeeded' | 'failed'
  failure_reason: string | null
  superseded_by: number | null
  command_done: 0 | 1
  created_at: number
  updated_at: number
}

const columns =
  'id, app_id, version, slug_id, description, brings_code, account_id, state, failure_reason, superseded_by, command_done, created_at, updated_at'
const select = `SELECT ${columns} FROM releases`

export function openReleaseRecords(db: Database, cipher: Cipher): ReleaseRecords {
  return {
    create: (release) => create(db, cipher, release),
    find: (id) => one(db, `${select} WHERE id = :id`, { id }),
    findIn: (appId, idOrVersion) => findIn(db, appId, idOrVersion),
    list: (appId) => many(db, `${select} WHERE app_id = :appId ORDER BY version DESC`, { appId }),
    listPending: (appId) =>
      many(db, `${select} WHERE app_id = :appId AND state = 'pending' ORDER BY version`, { appId }),
    config: (id) => config(db, cipher, id),
    recordCommand: (id) => void db.run('UPDATE releases SET command_done = 1 WHERE id = :id', { id }),
    replaceCode: (id, slugId) =>
      void db.run(
        "UPDATE releases SET slug_id = :slugId, command_done = 0, updated_at = :now WHERE id = :id AND state = 'pending'",
        { id, slugId, now: Date.now() },
      ),
    setState: (id, state) => setState(db, id, state),
  }
}

function create(db: Database, cipher: Cipher, release: Parameters<ReleaseRecords['create']>[0]): Release {
  const id = newId<ReleaseId>()
  const row = db.change<ReleaseRow>(
    `INSERT INTO releases (id, app_id, version, slug_id, description, brings_code, account_id, config, state,
       created_at, updated_at)
     SELECT :id, :appId, coalesce(max(version), 0) + 1, :slugId, :description, :bringsCode, :accountId, :config, 'pending',
       :now, :now
     FROM releases WHERE app_id = :appId
     RETURNING ${columns}`,
    {
      id,
      appId: release.appId,
      slugId: release.slugId,
      description: release.description,
      bringsCode: release.bringsCode ? 1 : 0,
      accountId: release.accountId,
      config: cipher.seal(JSON.stringify(release.config), 'release', release.appId, id),
      now: Date.now(),
    },
  )
  if (!row) throw new PaasError('internal', `No release was made for app ${release.appId}.`)
  return toRelease(row)
}

function findIn(db: Database, appId: AppId, idOrVersion: string): Release | undefined {
  const version = /^v?(\d{1,15})$/.exec(idOrVersion)?.[1]
  if (version)
    return one(db, `${select} WHERE app_id = :appId AND version = :version`, { appId, version: Number(version) })
  return one(db, `${select} WHERE app_id = :appId AND id = :id`, { appId, id: idOrVersion })
}

function config(db: Database, cipher: Cipher, id: ReleaseId): ConfigVars {
  const row = db.get<{ app_id: AppId; config: Uint8Array }>('SELECT app_id, config FROM releases WHERE id = :id', {
    id,
  })
  if (!row) throw new PaasError('not_found', `There is no release with the id ${id}.`)
  return JSON.parse(cipher.open(row.config, 'release', row.app_id, id)) as ConfigVars
}

/** pending → succeeded | superseded | failed, once; saying the same again is fine. */
function setState(db: Database, id: ReleaseId, state: ReleaseState): void {
  const reason = state.kind === 'failed' ? state.reason : null
  const by = state.kind === 'superseded' ? state.by : null
  const changed = db.run(
    `UPDATE releases SET state = :state, failure_reason = :reason, superseded_by = :by, updated_at = :now
     WHERE id = :id AND state = 'pending'`,
    { id, state: by === null ? state.kind : 'succeeded', reason, by, now: Date.now() },
  )
  if (changed > 0) return
  const present = one(db, `${select} WHERE id = :id`, { id })
  if (present?.state.kind === state.kind) return
  const problem = present ? `is ${present.state.kind} and cannot become ${state.kind}` : 'does not exist'
  throw new PaasError('internal', `Release ${id} ${problem}.`)
}

function one(db: Database, sql: string, parameters: Record<string, string | number>): Release | undefined {
  const row = db.get<ReleaseRow>(sql, parameters)
  return row && toRelease(row)
}

function many(db: Database, sql: string, parameters: Record<string, string>): Release[] {
  return db.all<ReleaseRow>(sql, parameters).map(toRelease)
}

function toRelease(row: ReleaseRow): Release {
  return {
    id: row.id,
    appId: row.app_id,
    version: row.version,
    slugId: row.slug_id,
    description: row.description,
    bringsCode: row.brings_code === 1,
    accountId: row.account_id,
    state: toState(row),
    commandDone: row.command_done === 1,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function toState({ state, failure_reason: reason, superseded_by: by }: ReleaseRow): ReleaseState {
  if (state === 'failed') return { kind: 'failed', reason: reason ?? '' }
  return by === null ? { kind: state } : { kind: 'superseded', by }
}
