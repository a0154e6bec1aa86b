import { noArchive, type AddonArchive, type AddonBackup, type AddonBackupState } from '../model/addon-backup.ts'
import { newId, type AddonBackupId, type AddonId } from '../model/ids.ts'
import type { AddonBackupRecords } from './addon-backup-records.ts'
import type { Database } from './database.ts'

type BackupRow = {
  id: AddonBackupId
  addon_id: AddonId
  kind: AddonBackup['kind']
  state: AddonBackupState['kind']
  label: string | null
  bytes: number | null
  mark: string | null
  facts: string | null
  reason: string | null
  started_at: number
  ended_at: number | null
}

type ArchiveRow = {
  since: number | null
  until: number | null
  hole: number | null
  bytes: number
  problem: string | null
  warned_at: number | null
  stored_until: number | null
  stored_problem: string | null
  stored_warned_at: number | null
  former_since: number | null
  former_until: number | null
}

/** Backups of each add-on that are remembered. */
const most = 100

export function openAddonBackupRecords(db: Database): AddonBackupRecords {
  const archive = (addonId: AddonId): AddonArchive => {
    const row = db.get<ArchiveRow>('SELECT * FROM addon_archives WHERE addon_id = :addonId', { addonId })
    return row ? toArchive(row) : noArchive
  }
  return {
    begin: (addonId, kind) =>
      db.transaction(() => {
        db.run(
          `DELETE FROM addon_backups WHERE id IN (
             SELECT id FROM addon_backups WHERE addon_id = :addonId ORDER BY started_at DESC LIMIT -1 OFFSET ${most - 1})`,
          { addonId },
        )
        const row = db.change<BackupRow>(
          `INSERT INTO addon_backups (id, addon_id, kind, state, started_at)
           VALUES (:id, :addonId, :kind, 'running', :now) RETURNING *`,
          { id: newId<AddonBackupId>(), addonId, kind, now: Date.now() },
        )
        return toBackup(row!)
      }),
    end: (id, state) => {
      const done = state.kind === 'succeeded' ? state : undefined
      db.run(
        `UPDATE addon_backups SET state = :state, label = :label, bytes = :bytes, mark = :mark, facts = :facts,
           reason = :reason, ended_at = :now WHERE id = :id`,
        {
          id,
          state: state.kind,
          label: done?.label ?? null,
          bytes: done?.bytes ?? null,
          mark: done?.noted?.mark ?? null,
          facts: done?.noted?.facts ?? null,
          reason: state.kind === 'failed' ? state.reason : null,
          now: Date.now(),
        },
      )
    },
    list: (addonId) =>
      db
        .all<BackupRow>('SELECT * FROM addon_backups WHERE addon_id = :addonId ORDER BY started_at DESC, rowid DESC', {
          addonId,
        })
        .map(toBackup),
    beginAnew: (addonId) =>
      db.transaction(() => {
        db.run('DELETE FROM addon_backups WHERE addon_id = :addonId', { addonId })
        // The record may be of a time before there was anything in the archive.
        db.run('INSERT INTO addon_archives (addon_id) VALUES (:addonId) ON CONFLICT DO NOTHING', { addonId })
        db.run(
          `UPDATE addon_archives SET former_until = :now, former_since = coalesce(former_since, since,
               (SELECT created_at FROM addons WHERE id = :addonId)), since = NULL,
             until = NULL, hole = NULL, bytes = 0, problem = NULL, warned_at = NULL, stored_until = NULL,
             stored_problem = NULL, stored_warned_at = NULL WHERE addon_id = :addonId`,
          { addonId, now: Date.now() },
        )
      }),
    noteLosses: (reason) => {
      db.run("UPDATE addon_backups SET state = 'failed', reason = :reason, ended_at = :now WHERE state = 'running'", {
        reason,
        now: Date.now(),
      })
    },
    archive,
    setArchive: (addonId, change) =>
      db.transaction(() => {
        const { former: _, ...next } = { ...archive(addonId), ...change }
        db.run(
          `INSERT INTO addon_archives (addon_id, since, until, hole, bytes, problem, warned_at, stored_until, stored_problem,
             stored_warned_at)
           SELECT id, :since, :until, :hole, :bytes, :problem, :warnedAt, :storedUntil, :storedProblem, :storedWarnedAt
           FROM addons WHERE id = :addonId
           ON CONFLICT (addon_id) DO UPDATE SET since = :since, until = :until, hole = :hole, bytes = :bytes,
             problem = :problem, warned_at = :warnedAt, stored_until = :storedUntil, stored_problem = :storedProblem,
             stored_warned_at = :storedWarnedAt`,
          {
            addonId,
            ...next,
            since: time(next.since),
            until: time(next.until),
            hole: time(next.hole),
            warnedAt: time(next.warnedAt),
            storedUntil: time(next.storedUntil),
            storedWarnedAt: time(next.storedWarnedAt),
          },
        )
      }),
  }
}

function time(date: Date | null): number | null {
  return date && date.getTime()
}

function date(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds)
}

function toArchive(row: ArchiveRow): AddonArchive {
  return {
    since: date(row.since),
    until: date(row.until),
    hole: date(row.hole),
    bytes: row.bytes,
    problem: row.problem,
    warnedAt: date(row.warned_at),
    storedUntil: date(row.stored_until),
    storedProblem: row.stored_problem,
    storedWarnedAt: date(row.stored_warned_at),
    former: formerOf(row),
  }
}

function formerOf({ former_since: since, former_until: until }: ArchiveRow): AddonArchive['former'] {
  return since === null || until === null ? null : { since: new Date(since), until: new Date(until) }
}

function toBackup(row: BackupRow): AddonBackup {
  return {
    id: row.id,
    addonId: row.addon_id,
    kind: row.kind,
    state: stateOf(row),
    startedAt: new Date(row.started_at),
    endedAt: date(row.ended_at),
  }
}

function stateOf({ state, label, bytes, mark, facts, reason }: BackupRow): AddonBackupState {
  switch (state) {
    case 'running':
      return { kind: state }
    case 'succeeded':
      return {
        kind: state,
        label: label ?? '',
        bytes: bytes ?? 0,
        noted: mark === null || facts === null ? null : { mark, facts },
      }
    case 'failed':
      return { kind: state, reason: reason ?? '' }
  }
}
