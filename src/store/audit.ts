import { AsyncLocalStorage } from 'node:async_hooks'
import { auditHash, auditText, mostAuditEntries, type Act, type AuditEntry, type AuditPlace } from '../model/audit.ts'
import { lastPlace, type AuditRow } from './audit-places.ts'
import type { AuditFilter, AuditRecords } from './audit-records.ts'
import type { Database, Parameters } from './database.ts'
import { verifyAudit } from './verify-audit.ts'

/** An act is written once; what is found out before is added to it. */
type InProgress = { act: Act; isWritten: boolean; isOver: boolean }

/** Old entries are removed this many at a time, so that not every append does. */
const removedAtOnce = 256

/** @param keep entries that are kept; only tests have others */
export function openAuditRecords(db: Database, keep: number = mostAuditEntries): AuditRecords {
  const current = new AsyncLocalStorage<InProgress>()
  const begun = new WeakMap<Act, InProgress>()
  db.beforeCommit(() => {
    const progress = current.getStore()
    if (!progress || progress.isWritten || progress.isOver) return undefined
    append(db, progress.act, keep)
    return () => (progress.isWritten = true)
  })
  return {
    during: (act, work) => {
      const progress = { act: { ...act }, isWritten: false, isOver: false }
      begun.set(act, progress)
      return current.run(progress, work)
    },
    add: ({ app, resource, detail }) => {
      const act = current.getStore()?.act
      if (!act) return
      if (app) act.app = { id: app.id, name: app.name }
      if (resource !== undefined) act.resource = resource
      act.detail = { ...act.detail, ...detail }
    },
    end: (act, failure) => {
      const progress = begun.get(act)
      if (!progress || progress.isOver) return
      progress.isOver = true
      if (failure === undefined ? progress.isWritten : !progress.isWritten) return
      db.transaction(() => append(db, progress.act, keep, failure))
    },
    append: (act) => db.transaction(() => append(db, act, keep)),
    list: (filter, limit) => list(db, filter, limit),
    verify: () => verifyAudit(db),
  }
}

/** In the transaction that is open, so that no other writer can have the same place. */
function append(db: Database, act: Act, keep: number, failure: string | null = null): void {
  const last = lastPlace(db)
  const sequence = last.sequence + 1
  const entry = auditText({ ...act, sequence, at: new Date(), failure, previous: last.hash })
  db.run('INSERT INTO audit_entries (sequence, entry, hash) VALUES (:sequence, :entry, :hash)', {
    sequence,
    entry,
    hash: auditHash(entry),
  })
  if (sequence % removedAtOnce === 0) removeOldest(db, sequence - keep)
}

/** All up to this one; its number and hash stay, which the next one follows on. */
function removeOldest(db: Database, sequence: number): void {
  const last = db.get<AuditPlace>('SELECT sequence, hash FROM audit_entries WHERE sequence = :sequence', { sequence })
  if (!last) return
  db.run('UPDATE audit_start SET sequence = :sequence, hash = :hash', { ...last })
  db.run('DELETE FROM audit_entries WHERE sequence <= :sequence', { sequence })
}

const conditions: Record<keyof AuditFilter, string> = {
  appId: 'app_id = :appId',
  email: 'account_email = lower(:email)',
  action: "(action = :action OR substr(action, 1, length(:action) + 1) = :action || '.')",
  client: 'client = :client',
  since: 'created_at >= :since',
  until: 'created_at < :until',
  after: 'sequence > :after',
  before: 'sequence < :before',
}

function list(db: Database, filter: AuditFilter, limit: number): AuditEntry[] {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined) as [keyof AuditFilter, unknown][]
  const where = given.map(([name]) => conditions[name]).join(' AND ') || '1'
  const parameters = Object.fromEntries(
    given.map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  ) as Parameters
  const order = filter.after === undefined ? 'DESC' : 'ASC'
  const rows = db.all<AuditRow>(
    `SELECT sequence, entry, hash FROM audit_entries WHERE ${where} ORDER BY sequence ${order} LIMIT :limit`,
    { ...parameters, limit },
  )
  const entries = rows.map(toEntry)
  return order === 'DESC' ? entries.reverse() : entries
}

function toEntry({ entry, hash }: AuditRow): AuditEntry {
  const { created_at: at, ...rest } = JSON.parse(entry) as Omit<AuditEntry, 'at' | 'hash' | 'text'> & {
    created_at: string
  }
  return { ...rest, at: new Date(at), text: entry, hash }
}
