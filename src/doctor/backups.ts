import { readHistory } from '../backups/history.ts'
import type { Config } from '../config.ts'
import type { Finding, ToldBackup } from '../model/finding.ts'
import { findingsOf } from './findings.ts'

/** Two nights: one that is late is no fault yet. */
const longest = 49 * 3_600_000

const mostTold = 10

export async function findBackups({ backup, paths }: Pick<Config, 'backup' | 'paths'>): Promise<Finding> {
  const backups = findingsOf('backups')
  if (!backup) {
    return backups.warning('there are none', 'Set PAAS_BACKUP_TARGET to another machine or bucket: docs/backups.md')
  }
  try {
    const history = await readHistory(paths.backups, { isRunning: true })
    const last = history.find(({ state }) => state.kind === 'succeeded')
    if (!last) return backups.warning('none has succeeded yet', 'Make one: paas server:backup')
    const is = `the last that succeeded is of ${new Date(last.startedAt).toISOString()}`
    const { state } = last
    const isWhole = state.kind !== 'succeeded' || (state.lacks ?? []).length === 0
    const isRecent = Date.now() - last.startedAt < longest
    if (isRecent && !isWhole) return backups.warning(`${is}, and lacks something`, 'See what: paas server:backups')
    if (isRecent) return backups.good(is)
    return backups.bad(is, 'See why: paas server:backups')
  } catch {
    return backups.unknown(`${paths.backups} cannot be read by this user`)
  }
}

/** The newest first, for who may not read the directory; none where it cannot be read. */
export async function tellBackups({ paths }: Pick<Config, 'paths'>): Promise<ToldBackup[]> {
  const history = await readHistory(paths.backups, { isRunning: true }).catch(() => [])
  return history.slice(0, mostTold).map(({ startedAt, endedAt, state }) => {
    const done = state.kind === 'succeeded' ? state : undefined
    return {
      startedAt,
      endedAt,
      state: state.kind,
      reason: state.kind === 'failed' ? state.reason : null,
      apps: done?.apps ?? null,
      bytes: done?.bytes ?? null,
      addedBytes: done?.addedBytes ?? null,
    }
  })
}
