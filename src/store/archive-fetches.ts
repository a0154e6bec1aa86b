import { randomUUID } from 'node:crypto'
import type { ErrorCode } from '../errors.ts'
import type { AddonId } from '../model/ids.ts'
import type { ArchiveFetch, ArchiveFetchRecords } from './addon-backup-records.ts'
import type { Database } from './database.ts'

type FetchRow = {
  id: AddonId
  addon_id: AddonId
  at: number
  turn: string
  state: 'asked' | 'done' | 'failed'
  reason: string | null
  code: ErrorCode | null
}

export function openArchiveFetchRecords(db: Database): ArchiveFetchRecords {
  const listOf = (where: string, values: Record<string, string>): ArchiveFetch[] =>
    db.all<FetchRow>(`SELECT * FROM archive_fetches ${where} ORDER BY rowid`, values).map(toFetch)
  return {
    ask: (id, addonId, at) => {
      db.run(
        `INSERT INTO archive_fetches (id, addon_id, at, state, turn) VALUES (:id, :addonId, :at, 'asked', :turn)
         ON CONFLICT (id) DO UPDATE SET addon_id = :addonId, at = :at, state = 'asked', reason = NULL, code = NULL, turn = :turn`,
        { id, addonId, at: at.getTime(), turn: randomUUID() },
      )
    },
    find: (id) => listOf('WHERE id = :id', { id })[0],
    listAsked: () => listOf("WHERE state = 'asked'", {}),
    end: ({ id, turn }, failure) => {
      const { reason = null, code = null } = failure ?? {}
      const state = failure ? 'failed' : 'done'
      const set = 'state = :state, reason = :reason, code = :code'
      db.run(`UPDATE archive_fetches SET ${set} WHERE id = :id AND turn = :turn`, { id, turn, state, reason, code })
    },
    removeLost: () => {
      db.run('DELETE FROM archive_fetches WHERE id NOT IN (SELECT id FROM addons)', {})
    },
    remove: (id) => {
      db.run('DELETE FROM archive_fetches WHERE id = :id', { id })
    },
  }
}

function toFetch({ id, addon_id: addonId, at, turn, state, reason, code }: FetchRow): ArchiveFetch {
  return {
    id,
    addonId,
    at: new Date(at),
    turn,
    state: state === 'failed' ? { kind: state, reason: reason ?? '', code: code ?? 'backup_failed' } : { kind: state },
  }
}
