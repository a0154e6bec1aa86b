import { PaasError } from '../errors.ts'
import type { AppSetup, AppSetupState } from '../model/app-setup.ts'
import { newId, type AccountId, type AppId, type AppSetupId, type BuildId } from '../model/ids.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { AppSetupRecords } from './store.ts'

type AppSetupRow = {
  id: AppSetupId
  app_id: AppId
  account_id: AccountId
  build_id: BuildId
  state: Uint8Array
  created_at: number
  updated_at: number
}

type Deps = { db: Database; cipher: Cipher }

/** The state is encrypted: a command's output may have secrets in it. */
export function openAppSetupRecords(db: Database, cipher: Cipher): AppSetupRecords {
  const deps = { db, cipher }
  const toSetup = (row: AppSetupRow): AppSetup => read(cipher, row)
  return {
    create: (setup) => create(deps, setup),
    find: (id) => {
      const row = db.get<AppSetupRow>('SELECT * FROM app_setups WHERE id = :id', { id })
      return row && toSetup(row)
    },
    findByBuild: (buildId) => {
      const row = db.get<AppSetupRow>('SELECT * FROM app_setups WHERE build_id = :buildId', { buildId })
      return row && toSetup(row)
    },
    listOpen: (accountId) =>
      db
        .all<AppSetupRow>(
          `SELECT * FROM app_setups WHERE is_over = 0 AND (:accountId IS NULL OR account_id = :accountId)
           ORDER BY created_at, rowid`,
          { accountId: accountId ?? null },
        )
        .map(toSetup),
    setState: (id, state) => {
      db.run('UPDATE app_setups SET state = :state, is_over = :isOver, updated_at = :now WHERE id = :id', {
        id,
        ...sealed(cipher, id, state),
        now: Date.now(),
      })
    },
  }
}

function create(
  { db, cipher }: Deps,
  { appId, accountId, buildId }: Parameters<AppSetupRecords['create']>[0],
): AppSetup {
  const id = newId<AppSetupId>()
  const row = db.change<AppSetupRow>(
    `INSERT INTO app_setups (id, app_id, account_id, build_id, is_over, state, created_at, updated_at)
     VALUES (:id, :appId, :accountId, :buildId, :isOver, :state, :now, :now) RETURNING *`,
    { id, appId, accountId, buildId, ...sealed(cipher, id, { kind: 'building' }), now: Date.now() },
  )
  if (row) return read(cipher, row)
  throw new PaasError('internal', `No set-up was made of the app ${appId}.`)
}

function sealed(cipher: Cipher, id: AppSetupId, state: AppSetupState): { state: Buffer; isOver: number } {
  const isOver = state.kind === 'succeeded' || state.kind === 'failed'
  return { state: cipher.seal(JSON.stringify(state), 'app set-up', id), isOver: Number(isOver) }
}

function read(cipher: Cipher, row: AppSetupRow): AppSetup {
  return {
    id: row.id,
    appId: row.app_id,
    accountId: row.account_id,
    buildId: row.build_id,
    state: JSON.parse(cipher.open(row.state, 'app set-up', row.id)) as AppSetupState,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
