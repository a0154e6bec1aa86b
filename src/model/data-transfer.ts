import type { AddonId, AppId, DataTransferId } from './ids.ts'

/**
 * Data that is copied out of an add-on, into one, or from one to another. Those of an app are
 * numbered; `heroku pg:backups` shows them as b001, r002, c003.
 */
export type DataTransfer = {
  id: DataTransferId
  /** Of the add-on that is read, or of the one that is written where none is read. */
  appId: AppId
  number: number
  kind: DataTransferKind
  /** Whether a schedule asked for it. */
  scheduled: boolean
  /** The service of the add-ons: a backup of one is not for another. */
  service: string
  /** null: it is a file, which `name` says. Add-ons may be gone, names may be others now. */
  from: { addonId: AddonId | null; name: string }
  /** null: what is written is a backup. */
  to: { addonId: AddonId | null; name: string }
  /** The backup that a restore reads; null: it reads from a URL. */
  backupId: DataTransferId | null
  state: DataTransferState
  /** So far. */
  bytes: number
  /** What was left out. */
  warnings: number
  log: DataTransferLine[]
  createdAt: Date
  updatedAt: Date
}

type DataTransferKind = 'backup' | 'restore' | 'copy'
type DataTransferLine = { at: Date; message: string }

export type DataTransferState =
  | { kind: 'pending' }
  /** `cancelling`: the worker is to end it. */
  | { kind: 'running'; startedAt: Date; cancelling: boolean }
  /** `stored`: of a backup, where it is and its SHA-256; null where it was removed. */
  | { kind: 'succeeded'; startedAt: Date; endedAt: Date; stored: StoredBackup | null }
  | { kind: 'failed'; startedAt: Date | null; endedAt: Date; reason: string }
  | { kind: 'cancelled'; startedAt: Date | null; endedAt: Date }

/** `place`: a file of the data directory, or a snapshot at the backup target. */
export type StoredBackup = { place: string; sha256: string }

/** Once a day, at the full hour in a time zone of the IANA. */
export type BackupSchedule = {
  addonId: AddonId
  /** The config var by which it was asked for: `DATABASE_URL`. */
  name: string
  hour: number
  timezone: string
  createdAt: Date
  /** When a backup was last asked for. */
  lastAt: Date | null
}

/** How many backups of an add-on are kept, as of Heroku's standard plans, and hours of all. */
const backupsKept = { hours: 24, daily: 7, weekly: 4, manual: 25 }

/** Those of one add-on, the newest first, that nobody needs any more. */
export function backupsToRemove(backups: DataTransfer[]): DataTransfer[] {
  const done = backups.filter(({ state }) => state.kind === 'succeeded')
  const manual = done.filter(({ scheduled }) => !scheduled).slice(backupsKept.manual)
  const regular = done.filter(({ scheduled }) => scheduled)
  const newest = regular[0]?.createdAt.getTime() ?? 0
  const recent = regular.filter(({ createdAt }) => newest - createdAt.getTime() < backupsKept.hours * hour)
  const byDay = new Map(regular.toReversed().map((one) => [one.createdAt.toISOString().slice(0, 10), one]))
  const daily = [...byDay.values()].toReversed().slice(0, backupsKept.daily)
  const weekly = new Map(regular.map((one) => [weekOf(one.createdAt), one]))
  const kept = new Set([...recent, ...daily, ...[...weekly.values()].slice(0, backupsKept.weekly)])
  return [...manual, ...regular.filter((one) => !kept.has(one))]
}

/** Of a Map that is filled from the newest on, the oldest of a week stays. */
function weekOf(date: Date): number {
  return Math.floor(date.getTime() / (7 * 24 * 3600_000))
}

const hour = 3600_000

/** Whether the hour of a schedule has come since it was made or a backup was last asked for. */
export function isDue({ hour: wanted, timezone, createdAt, lastAt }: BackupSchedule, now: Date): boolean {
  const since = lastAt ?? createdAt
  for (let back = 0; back < 24; back++) {
    const at = new Date(now.getTime() - back * hour)
    const clock = clockIn(timezone, at)
    if (clock.hour === wanted) return at.getTime() - clock.intoIt > since.getTime()
  }
  // The clocks have left that hour out.
  return now.getTime() - since.getTime() > 25 * hour
}

/** `intoIt`: milliseconds since the hour began there. */
function clockIn(timeZone: string, at: Date): { hour: number; intoIt: number } {
  const format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone })
  const [hours = 0, minutes = 0] = format.format(at).split(':').map(Number)
  return { hour: hours, intoIt: minutes * 60_000 + (at.getTime() % 60_000) }
}

/** `b001`, as Heroku's command names them. */
export function transferName({ kind, scheduled, number }: Pick<DataTransfer, 'kind' | 'scheduled' | 'number'>): string {
  const letter = kind === 'backup' ? (scheduled ? 'a' : 'b') : kind === 'restore' ? 'r' : 'c'
  return letter + String(number).padStart(3, '0')
}

/** Whether there is nothing more to be done about it. */
export function isOver({ state }: Pick<DataTransfer, 'state'>): boolean {
  return state.kind !== 'pending' && state.kind !== 'running'
}
