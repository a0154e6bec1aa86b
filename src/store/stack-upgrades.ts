import { PaasError } from '../errors.ts'
import { newId, type AccountId, type AppId, type ReleaseId, type StackUpgradeId } from '../model/ids.ts'
import type { StackMove, StackMoveState, StackUpgrade, StackUpgradeState } from '../model/stack-upgrade.ts'
import type { Database } from './database.ts'
import type { StackPatchRecords, StackUpgradeRecords } from './stack-records.ts'

type UpgradeRow = {
  id: StackUpgradeId
  account_id: AccountId | null
  state: StackUpgradeState['kind']
  text: string
  created_at: number
  updated_at: number
}

type MoveRow = {
  app_id: AppId
  release_id: ReleaseId | null
  state: StackMoveState['kind']
  reason: string | null
  updated_at: number
}

/** Upgrades that are remembered. */
const most = 100

export function openStackPatchRecords(db: Database): StackPatchRecords {
  return {
    newest: (stack) => {
      const row = db.get<{ snapshot: string; created_at: number }>(
        'SELECT snapshot, created_at FROM stack_patches WHERE stack = :stack ORDER BY created_at DESC, rowid DESC LIMIT 1',
        { stack },
      )
      return row && { snapshot: row.snapshot, createdAt: new Date(row.created_at) }
    },
    add: (stack, snapshot) => {
      db.run(
        `INSERT INTO stack_patches (stack, snapshot, created_at) VALUES (:stack, :snapshot, :now)
         ON CONFLICT (stack, snapshot) DO UPDATE SET created_at = :now`,
        { stack, snapshot, now: Date.now() },
      )
    },
  }
}

export function openStackUpgradeRecords(db: Database): StackUpgradeRecords {
  const upgrade = (row: UpgradeRow): StackUpgrade => toUpgrade(row, movesOf(db, row.id))
  return {
    create: (asked) => db.transaction(() => create(db, asked)),
    find: (id) => {
      const row = db.get<UpgradeRow>('SELECT * FROM stack_upgrades WHERE id = :id', { id })
      return row && upgrade(row)
    },
    listRunning: () =>
      db
        .all<UpgradeRow>("SELECT * FROM stack_upgrades WHERE state = 'running' ORDER BY created_at, rowid")
        .map(upgrade),
    lastMove: (appId) => {
      const row = db.get<MoveRow>(
        `SELECT * FROM stack_moves WHERE app_id = :appId AND state <> 'pending'
         ORDER BY updated_at DESC, rowid DESC LIMIT 1`,
        { appId },
      )
      return row && toMove(row)
    },
    setState: (id, state) => {
      db.run('UPDATE stack_upgrades SET state = :kind, text = :text, updated_at = :now WHERE id = :id', {
        id,
        kind: state.kind,
        text: state.kind === 'running' ? state.progress : state.kind === 'failed' ? state.reason : '',
        now: Date.now(),
      })
    },
    recordRelease: (id, appId, releaseId) =>
      setMove(db, 'release_id = :releaseId', { id, appId, releaseId, now: Date.now() }),
    setMove: (id, appId, state) =>
      setMove(db, 'state = :kind, reason = :reason', {
        id,
        appId,
        kind: state.kind,
        reason: 'reason' in state ? state.reason : null,
        now: Date.now(),
      }),
  }
}

function create(db: Database, { accountId, appIds }: Parameters<StackUpgradeRecords['create']>[0]): StackUpgrade {
  const id = newId<StackUpgradeId>()
  const now = Date.now()
  db.run(
    `DELETE FROM stack_upgrades WHERE state <> 'running' AND rowid NOT IN
       (SELECT rowid FROM stack_upgrades ORDER BY rowid DESC LIMIT :most)`,
    { most },
  )
  const row = db.change<UpgradeRow>(
    `INSERT INTO stack_upgrades (id, account_id, created_at, updated_at) VALUES (:id, :accountId, :now, :now) RETURNING *`,
    { id, accountId, now },
  )
  if (!row) throw new PaasError('internal', 'No stack upgrade was recorded.')
  for (const appId of appIds) {
    db.run('INSERT INTO stack_moves (upgrade_id, app_id, updated_at) VALUES (:id, :appId, :now)', { id, appId, now })
  }
  return toUpgrade(row, movesOf(db, id))
}

function setMove(db: Database, what: string, parameters: Record<string, string | number | null>): void {
  db.run(`UPDATE stack_moves SET ${what}, updated_at = :now WHERE upgrade_id = :id AND app_id = :appId`, parameters)
}

function movesOf(db: Database, id: StackUpgradeId): StackMove[] {
  return db.all<MoveRow>('SELECT * FROM stack_moves WHERE upgrade_id = :id ORDER BY rowid', { id }).map(toMove)
}

function toUpgrade(row: UpgradeRow, moves: StackMove[]): StackUpgrade {
  return {
    id: row.id,
    accountId: row.account_id,
    state: stateOf(row),
    moves,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function stateOf({ state, text }: UpgradeRow): StackUpgradeState {
  switch (state) {
    case 'running':
      return { kind: state, progress: text }
    case 'failed':
      return { kind: state, reason: text }
    case 'finished':
      return { kind: state }
  }
}

function toMove(row: MoveRow): StackMove {
  const hasReason = row.state === 'failed' || row.state === 'unmovable'
  const state: StackMoveState = hasReason
    ? { kind: row.state as 'failed', reason: row.reason ?? '' }
    : { kind: row.state as 'moved' }
  return { appId: row.app_id, releaseId: row.release_id, state, updatedAt: new Date(row.updated_at) }
}
