import type { AddonBackupId, AddonId, AddonProofId } from './ids.ts'

/** `full`: all of it; `diff`: what has changed since the last full one, which it needs. */
export type BackupKind = 'full' | 'diff'

/** A backup that a service has made into its archive. */
export type AddonBackup = {
  id: AddonBackupId
  addonId: AddonId
  kind: BackupKind
  state: AddonBackupState
  startedAt: Date
  endedAt: Date | null
}

export type AddonBackupState =
  | { kind: 'running' }
  /** `label`: what the service calls it; `bytes`: what it takes of the archive. */
  | { kind: 'succeeded'; label: string; bytes: number; noted: NotedFacts | null }
  | { kind: 'failed'; reason: string }

/** What was inside at a moment that a restore can stop at. */
export type NotedFacts = { mark: string; facts: string }

/** A backup that is restored to see whether it can be. */
export type AddonProof = {
  id: AddonProofId
  addonId: AddonId
  state: AddonProofState
  createdAt: Date
  endedAt: Date | null
}

export type AddonProofState =
  | { kind: 'asked' }
  | { kind: 'running' }
  /** `compared`: with what was noted when the backup was made; else it was restored alone. */
  | { kind: 'succeeded'; label: string; compared: boolean }
  | { kind: 'failed'; label: string | null; reason: string }
  /** It could not be tried, which says nothing of the backup. */
  | { kind: 'unproven'; label: string | null; reason: string }

/** Of one add-on: any moment from `since` to `until` can be restored. */
export type AddonArchive = {
  since: Date | null
  until: Date | null
  /** Since when there is a hole before what is archived: the window begins after it. */
  hole: Date | null
  bytes: number
  /** Why the last attempt to archive or to back up failed. */
  problem: string | null
  /** When its app was last told that backups are missing. */
  warnedAt: Date | null
  /** As far as the backup target has it. */
  storedUntil: Date | null
  storedProblem: string | null
  /** When its app was last told of that; null once it is stored again. */
  storedWarnedAt: Date | null
  /**
   * Of before the server was restored: what the backup target has of any moment in it, and this
   * server has not.
   */
  former: { since: Date; until: Date } | null
}

export const noArchive: AddonArchive = {
  since: null,
  until: null,
  hole: null,
  bytes: 0,
  problem: null,
  warnedAt: null,
  storedUntil: null,
  storedProblem: null,
  storedWarnedAt: null,
  former: null,
}

/**
 * Which moment: the latest there is, a time, just before a transaction, or a mark. `label`: from
 * that backup.
 */
export type RestoreMoment =
  | { kind: 'latest'; label?: string }
  | { kind: 'time'; at: string }
  | { kind: 'xid'; xid: string }
  | { kind: 'mark'; mark: string; label: string }

/** What a fork is made from. */
export type AddonOrigin = {
  addonId: AddonId
  moment: RestoreMoment
  /** Of its service, where the fork is to become another. */
  version?: string
}

/** Milliseconds between two backups, and between two full ones. */
export const backupPeriod = { any: 24 * 3600_000, full: 7 * 24 * 3600_000 }
/** Days back to which any moment can be restored, once there are backups for so long. */
export const windowDays = 7

/** What is said of a backup whose proof could not be tried. */
export function unprovenNote({ label, reason }: { label: string | null; reason: string }): string {
  return `its backup ${label ?? ''} could not be tried, which says nothing of it: ${reason}`
}

/** The kind that is due; undefined: none yet. */
export function backupDue(backups: AddonBackup[], hole: Date | null, now: number): BackupKind | undefined {
  const good = backups.filter(({ state }) => state.kind === 'succeeded')
  const age = (backup: AddonBackup | undefined): number => (backup ? now - backup.startedAt.getTime() : Infinity)
  const newest = good[0]
  if (age(good.find(({ kind }) => kind === 'full')) >= backupPeriod.full) return 'full'
  if (age(newest) >= backupPeriod.any) return 'diff'
  return hole && newest && hole > newest.startedAt ? 'diff' : undefined
}
