import type { AuditPlace } from '../model/audit.ts'
import type { Database } from './database.ts'

export type AuditRow = { sequence: number; entry: string; hash: string }

/** The newest entry; of an empty log, what its first one follows on. */
export function lastPlace(db: Database): AuditPlace {
  return db.get<AuditPlace>('SELECT sequence, hash FROM audit_entries ORDER BY sequence DESC LIMIT 1') ?? startPlace(db)
}

/** The last entry that was removed, which the oldest one follows on. */
export function startPlace(db: Database): AuditPlace {
  return db.get<AuditPlace>('SELECT sequence, hash FROM audit_start') as AuditPlace
}
