import { PaasError } from '../errors.ts'
import { newId, type AccountId, type SourceId } from '../model/ids.ts'
import type { Source, SourceState } from '../model/source.ts'
import type { Database } from './database.ts'
import type { SourceRecords } from './store.ts'

type SourceRow = {
  id: SourceId
  account_id: AccountId
  state: SourceState['kind']
  bytes: number
  created_at: number
  expires_at: number
}

export function openSourceRecords(db: Database): SourceRecords {
  return {
    create: (accountId, expiresAt) => create(db, accountId, expiresAt),
    find: (id) => {
      const row = db.get<SourceRow>('SELECT * FROM sources WHERE id = :id', { id })
      return row && toSource(row)
    },
    listExpired: (now) =>
      db.all<SourceRow>('SELECT * FROM sources WHERE expires_at <= :now', { now: now.getTime() }).map(toSource),
    usage: (accountId) => usage(db, accountId),
    begin: (id, bytes) => move(db, { id, from: 'empty', to: 'uploading', bytes }),
    complete: (id, bytes) => void move(db, { id, from: 'uploading', to: 'uploaded', bytes }),
    giveUp: (id) => void move(db, { id, from: 'uploading', to: 'empty', bytes: 0 }),
    remove: (id) => void db.run('DELETE FROM sources WHERE id = :id', { id }),
  }
}

function create(db: Database, accountId: AccountId, expiresAt: Date): Source {
  const row = db.change<SourceRow>(
    `INSERT INTO sources (id, account_id, state, bytes, created_at, expires_at)
     VALUES (:id, :accountId, 'empty', 0, :now, :expiresAt) RETURNING *`,
    { id: newId<SourceId>(), accountId, now: Date.now(), expiresAt: expiresAt.getTime() },
  )
  if (!row) throw new PaasError('internal', `No source was made for account ${accountId}.`)
  return toSource(row)
}

function usage(db: Database, accountId: AccountId): { count: number; bytes: number } {
  const row = db.get<{ count: number; bytes: number }>(
    'SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes FROM sources WHERE account_id = :accountId',
    { accountId },
  )
  return row ?? { count: 0, bytes: 0 }
}

type Move = { id: SourceId; from: SourceState['kind']; to: SourceState['kind']; bytes: number }

function move(db: Database, change: Move): boolean {
  return db.run('UPDATE sources SET state = :to, bytes = :bytes WHERE id = :id AND state = :from', change) > 0
}

function toSource(row: SourceRow): Source {
  return {
    id: row.id,
    accountId: row.account_id,
    state: row.state === 'empty' ? { kind: 'empty' } : { kind: row.state, bytes: row.bytes },
    createdAt: new Date(row.created_at),
    expiresAt: new Date(row.expires_at),
  }
}
