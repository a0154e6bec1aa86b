import { setTimeout as delay } from 'node:timers/promises'
import { replaceOverfull } from './dyno-disk.ts'
import type { Working } from './parts.ts'
import { sweep } from './sweep.ts'
import { measureVolumes } from './volumes.ts'

/** Rounds between two sweeps. */
const roundsPerSweep = 20

/** Looks from time to time for what nobody told the worker about, until the signal. */
export async function patrol(worker: Working, signal: AbortSignal): Promise<void> {
  for (let round = 1; !signal.aborted; round++) {
    await delay(worker.config.patrol.everySeconds * 1000, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    await lookForAll(worker, round)
  }
}

/**
 * Each on its own: what cannot be done in one, say for want of space on the disk, keeps nobody from
 * the others.
 */
async function lookForAll(worker: Working, round: number): Promise<void> {
  const { dynos, drains, services, dataTransfers, store, config, log } = worker
  const looks = {
    dynos: () => lookAround(worker),
    routes: () => dynos.refreshRoutes(),
    disks: () => replaceOverfull(worker),
    volumes: () => measureVolumes(worker),
    drains: async () => drains.sync(),
    addons: async () => services.wake(),
    data: async () => dataTransfers.wake(),
    'one-offs': async () => store.oneOffs.removeExpired(),
    ...(round % roundsPerSweep === 0 ? { leftovers: () => sweep({ ...worker, paths: config.paths }) } : {}),
  }
  for (const [what, look] of Object.entries(looks)) {
    await look().catch((error: unknown) => log.warn({ err: error, what }, 'a look of the patrol failed'))
  }
}

/** One look at the engine for all apps; only those that differ from their record are converged. */
async function lookAround({ store, dynos, dispatcher }: Working): Promise<void> {
  for (const { appId, id } of store.builds.listUnfinished()) void dispatcher.build(appId, id)
  const unsettled = new Set((await dynos.findUnsettled()).map(({ id }) => id))
  const leaving = new Set(store.volumes.listAll().flatMap((volume) => (volume.leaving ? [volume.appId] : [])))
  for (const { id, destroying } of store.apps.listAll()) {
    const isPending = store.releases.listPending(id).length > 0
    if (destroying || isPending || leaving.has(id) || unsettled.has(id)) void dispatcher.converge(id)
  }
}
