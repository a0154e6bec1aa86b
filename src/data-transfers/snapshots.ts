import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { isOver } from '../model/data-transfer.ts'
import { planNamed, serviceNamed } from '../model/service.ts'
import { readServices } from '../services/definition.ts'
import { dumpsOf, newestDump } from '../services/dump-watch.ts'
import { addonPosition } from '../services/dumps.ts'
import type { Store } from '../store/store.ts'
import { askBackup } from './ask.ts'

type Deps = {
  engine: Pick<Engine, 'listServices' | 'streamInService'>
  store: Pick<Store, 'addons' | 'backupSchedules' | 'dataTransfers' | 'transaction'>
  config: Pick<Config, 'servicesDirectories'>
}

/**
 * Asks for dumps between the daily ones, of add-ons whose plan wants them more often, where
 * something was written since the last one. Where nothing was, that is noted: the dump has all.
 */
export async function askSnapshots(deps: Deps, now: Date, signal: AbortSignal): Promise<void> {
  const { store, config } = deps
  const services = readServices(config.servicesDirectories, () => undefined)
  for (const { addonId } of store.backupSchedules.list()) {
    const addon = store.addons.find(addonId)
    const service = addon && serviceNamed(services, addon.service)
    const minutes = service && planNamed(service, addon.plan)?.dumpMinutes
    if (addon?.state.kind !== 'provisioned' || !minutes || !isDue(deps, addon, { minutes, now })) continue
    if (!service.scripts.includes('position') || !(await isSame(deps, addon, now, signal)))
      askBackup(store, addon, { scheduled: true })
  }
}

/** One that failed is tried again when the next one would be due. */
function isDue({ store }: Deps, { id, createdAt }: Addon, { minutes, now }: { minutes: number; now: Date }): boolean {
  const [newest] = dumpsOf(store, id)
  if (newest && !isOver(newest)) return false
  const seen = newest && store.dataTransfers.positionOf(newest.id)?.sameUntil
  const since = Math.max((newest?.createdAt ?? createdAt).getTime(), seen?.getTime() ?? 0)
  return now.getTime() - since >= minutes * 60_000
}

/**
 * Whether nothing was written since the newest dump was begun. One that cannot say may have been,
 * and its dump says what is wrong with it.
 */
async function isSame({ engine, store }: Deps, addon: Addon, now: Date, signal: AbortSignal): Promise<boolean> {
  const newest = newestDump(store, addon.id)
  const noted = newest && store.dataTransfers.positionOf(newest.id)
  if (!noted) return false
  const position = await addonPosition({ engine }, addon, signal).catch((cause: unknown) => {
    if (asPaasError(cause).code === 'dump_failed') return undefined
    throw cause
  })
  if (position !== noted.position) return false
  store.dataTransfers.noteSame(newest.id, now)
  return true
}
