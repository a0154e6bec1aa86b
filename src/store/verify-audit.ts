import { setImmediate as nextTurn } from 'node:timers/promises'
import { auditHash, type AuditPlace, type AuditVerdict } from '../model/audit.ts'
import { lastPlace, startPlace, type AuditRow } from './audit-places.ts'
import type { Database } from './database.ts'

/** Entries looked at in one step: some milliseconds. */
const atOnce = 500

/**
 * Whether each entry has its own hash and that of the one before, none is missing between them, and
 * none at the end: the database remembers the highest number that it ever gave.
 */
export async function verifyAudit(db: Database): Promise<AuditVerdict> {
  const given = db.get<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'audit_entries'")?.seq ?? 0
  const until = lastPlace(db).sequence
  let start = startPlace(db)
  let head = start
  let broken: AuditVerdict['broken'] = null
  while (head.sequence < until && broken === null) {
    const rows = db.all<AuditRow>(
      'SELECT sequence, entry, hash FROM audit_entries WHERE sequence > :after ORDER BY sequence LIMIT :limit',
      { after: head.sequence, limit: atOnce },
    )
    const now = startPlace(db)
    // Old ones were removed meanwhile: what is left follows on another place.
    if (now.sequence > head.sequence) head = start = now
    else ({ head, broken } = follow(head, rows))
    await nextTurn()
  }
  if (broken === null && given > until) broken = { sequence: until + 1, reason: sayMissing(given - until) }
  return { start, head, entries: head.sequence - start.sequence, broken }
}

function follow(from: AuditPlace, rows: AuditRow[]): Pick<AuditVerdict, 'head' | 'broken'> {
  let head = from
  for (const row of rows) {
    const reason = whyBroken(row, head)
    if (reason !== undefined) return { head, broken: { sequence: head.sequence + 1, reason } }
    head = { sequence: row.sequence, hash: row.hash }
  }
  return { head, broken: null }
}

function sayMissing(count: number): string {
  return count === 1 ? 'it is missing, the newest one' : `it is missing, and all after it: ${count} in all`
}

function whyBroken({ sequence, entry, hash }: AuditRow, before: AuditPlace): string | undefined {
  if (sequence !== before.sequence + 1) return 'it is missing'
  if (auditHash(entry) !== hash) return 'its text does not have its hash'
  const said = fieldsOf(entry)
  if (said.sequence !== sequence) return `it says that it is entry ${JSON.stringify(said.sequence)}`
  if (said.previous !== before.hash) return 'it does not follow on the entry before'
  return undefined
}

function fieldsOf(entry: string): { sequence?: unknown; previous?: unknown } {
  try {
    return JSON.parse(entry) as { sequence?: unknown; previous?: unknown }
  } catch {
    return {}
  }
}
