import type { Config } from '../../config.ts'
import type { Addon } from '../../model/addon.ts'
import { withoutPassword } from '../../model/backup-target.ts'
import { transferName, type BackupSchedule, type DataTransfer } from '../../model/data-transfer.ts'
import type { Service } from '../../model/service.ts'
import { dumpProblem, dumpsOf, isGood } from '../../services/dump-watch.ts'
import type { Store } from '../../store/store.ts'
import { secondsSince, time } from '../http/shapes.ts'

type Told = {
  store: Pick<Store, 'dataTransfers' | 'backupSchedules'>
  config: Pick<Config, 'backup'>
}

const here = "the server's data directory: it does not survive this machine's disk"

/** What an add-on that is dumped has of backups. */
export function dumpsJson({ store, config }: Told, addon: Addon, { title, scripts, plans }: Service) {
  const dumps = dumpsOf(store, addon.id)
  const good = dumps.find(isGood)
  const bad = dumps.find(({ state }) => state.kind === 'failed')
  const since = good ? (store.dataTransfers.positionOf(good.id)?.sameUntil ?? startOf(good)) : null
  const minutes = plans.find(({ name }) => name === addon.plan)?.dumpMinutes
  const schedule = store.backupSchedules.find(addon.id)
  const problem = unprovable(title, scripts) ?? dumpProblem(store, addon, new Date()) ?? null
  return {
    kind: 'dumps',
    schedule: schedule ? scheduleOf(schedule, minutes) : null,
    window_days: null,
    window: null,
    hole: null,
    recovery_point_seconds: since && secondsSince(since),
    bytes: dumps.filter(isGood).reduce((sum, { bytes }) => sum + bytes, 0),
    where: config.backup ? `${withoutPassword(config.backup.repository)}/dumps` : here,
    last_good: good ? dumpJson(good) : null,
    last_failed: bad && (!good || bad.createdAt > good.createdAt) ? dumpJson(bad) : null,
    problem,
    backups: dumps.map(dumpJson),
  }
}

/** What a service of one's own lacks so that its dumps can be proven. */
function unprovable(title: string, scripts: string[]): string | null {
  return scripts.includes('load')
    ? null
    : `${title} has no program load: its dumps can be downloaded, not restored or proven.`
}

function scheduleOf({ hour, timezone }: BackupSchedule, minutes: number | undefined): string {
  const daily = `a dump each day at ${String(hour).padStart(2, '0')}:00 ${timezone}`
  return minutes === undefined ? daily : `${daily}, and one ${minutes} minutes after the last if something was written`
}

function startOf({ state, createdAt }: DataTransfer): Date {
  return state.kind === 'succeeded' ? state.startedAt : createdAt
}

const statuses: Record<DataTransfer['state']['kind'], string> = {
  pending: 'running',
  running: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'failed',
}

function dumpJson(dump: DataTransfer): object {
  const { id, state, bytes, createdAt } = dump
  return {
    id,
    kind: 'dump',
    status: statuses[state.kind],
    name: transferName(dump),
    bytes: state.kind === 'succeeded' ? bytes : null,
    reason: state.kind === 'failed' ? state.reason : state.kind === 'cancelled' ? 'It was cancelled.' : null,
    started_at: time(createdAt),
    ended_at: 'endedAt' in state ? time(state.endedAt) : null,
  }
}
