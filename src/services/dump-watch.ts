import type { Addon } from '../model/addon.ts'
import { backupPeriod } from '../model/addon-backup.ts'
import { transferName, type DataTransfer } from '../model/data-transfer.ts'
import type { AddonId } from '../model/ids.ts'
import type { Store } from '../store/store.ts'

type Records = Pick<Store, 'dataTransfers' | 'backupSchedules'>

/** Dumps of an add-on that were to be backups of it, the newest first. */
export function dumpsOf({ dataTransfers }: Pick<Store, 'dataTransfers'>, addonId: AddonId): DataTransfer[] {
  return dataTransfers.list({ fromAddonId: addonId }).filter(({ kind }) => kind === 'backup')
}

/** The newest one that is there. */
export function newestDump(store: Pick<Store, 'dataTransfers'>, addonId: AddonId): DataTransfer | undefined {
  return dumpsOf(store, addonId).find(isGood)
}

export function isGood({ state }: DataTransfer): boolean {
  return state.kind === 'succeeded' && state.stored !== null
}

/** What is wrong with scheduled dumps; undefined: nothing, or there is no schedule. */
export function dumpProblem(store: Records, { id, createdAt }: Addon, now: Date): string | undefined {
  const schedule = store.backupSchedules.find(id)
  if (!schedule) return undefined
  const dumps = dumpsOf(store, id)
  const good = dumps.find(isGood)
  const bad = dumps.find(({ state, scheduled }) => state.kind === 'failed' && scheduled)
  if (bad?.state.kind === 'failed' && (!good || bad.createdAt > good.createdAt)) {
    return `its backup ${transferName(bad)} failed: ${bad.state.reason}`
  }
  const since = Math.max(good?.createdAt.getTime() ?? createdAt.getTime(), schedule.createdAt.getTime())
  if (now.getTime() - since < 2 * backupPeriod.any) return undefined
  return good ? `its last good backup is of ${good.createdAt.toISOString()}` : 'there is no good backup of it yet'
}
