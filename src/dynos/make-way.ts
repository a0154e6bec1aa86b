import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { isOneOff } from '../model/dyno.ts'
import type { Narrator } from '../model/narrator.ts'
import { isAlone } from '../model/volume.ts'
import type { WantedDyno } from './deployable.ts'
import type { DynoParts } from './parts.ts'

type Used = Pick<DynoParts, 'engine' | 'store' | 'routes' | 'retirement' | 'hold'>

/** Of the time that a request may be held, what those that are in flight get to finish. */
const shareOfDrain = 1 / 4

/**
 * The dynos that have to be gone before the wanted ones start: each has a volume that only one at a
 * time may write.
 */
export async function writersBefore({ engine, store }: Used, app: App, wanted: WantedDyno[]): Promise<Dyno[]> {
  const volumes = store.volumes.list(app.id)
  const types = wanted.map(({ type }) => type).filter((type) => isAlone(volumes, type))
  if (types.length === 0) return []
  const dynos = await engine.listDynos({ appId: app.id })
  return dynos.filter((dyno) => !isOneOff(dyno) && types.includes(dyno.type) && dyno.writes !== undefined)
}

/** A worker that has ended since was stopping it, to start another in its place. */
export function isLeaving({ dynoStates }: Pick<DynoParts['store'], 'dynoStates'>, { id, writes }: Dyno): boolean {
  const state = writes ? dynoStates.find(id)?.state : undefined
  return state === 'stopping' || state === 'stopped'
}

/** Whether what is asked of an app waits for its dyno: nothing serves until one is started. */
export function holdsRequests({ routes }: Pick<Used, 'routes'>, app: App): boolean {
  return routes.get(app.id)?.state === 'held'
}

/**
 * Stops them, and resolves when they are gone. Meanwhile the router holds what is asked of the app,
 * if they serve it.
 * @throws volume_in_use when one could not be stopped
 */
export async function makeWay(
  { engine, routes, retirement, hold }: Used,
  app: App,
  writers: Dyno[],
  narrator?: Narrator,
): Promise<void> {
  const names = writers.map(({ name }) => name).join(', ')
  narrator?.detail(`Stopping ${names}, since one dyno at a time may write its volume; requests are held`)
  const before = routes.get(app.id)
  if (before?.state === 'up' && writers.some(({ type }) => type === 'web')) {
    const { standby: _, ...route } = before
    await routes.put({ ...route, state: 'held', targets: [], patient: true })
  }
  retirement.retire(writers, { drainSeconds: hold.seconds * shareOfDrain })
  await retirement.finished(writers)
  const left = (await engine.listDynos({ appId: app.id })).find(({ id }) => writers.some((writer) => writer.id === id))
  if (left) throw new PaasError('volume_in_use', `${left.name} could not be stopped, and still has its volume.`)
}
