import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { Drains } from '../drains/drains.ts'
import type { Dyno, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import { wantedDynos } from '../dynos/deployable.ts'
import { isSettled, planDynos } from '../dynos/plan.ts'
import { currentDeployable } from '../dynos/reconcile.ts'
import type { Retirement } from '../dynos/retirement.ts'
import type { Routes } from '../dynos/routes.ts'
import type { DynoStates } from '../store/dyno-tables.ts'
import type { Store } from '../store/store.ts'
import type { Dispatcher } from './dispatcher.ts'
import { replaceOverfull, type DiskDeps } from './dyno-disk.ts'
import { sweep, type SweepDeps } from './sweep.ts'

export type PatrolDeps = SweepDeps &
  DiskDeps & {
    config: Pick<Config, 'patrol' | 'limits'>
    engine: Pick<Engine, 'listDynos'>
    store: Store
    states: Pick<DynoStates, 'keepOnly'>
    retirement: Pick<Retirement, 'isRetiring'>
    dispatcher: Dispatcher
    routes: Pick<Routes, 'get' | 'refresh'>
    drains: Pick<Drains, 'sync'>
    log: Logger
  }

/** Rounds between two sweeps. */
const roundsPerSweep = 20

/** Looks from time to time for what nobody told the worker about, until the signal. */
export async function patrol(deps: PatrolDeps, signal: AbortSignal): Promise<void> {
  for (let round = 1; !signal.aborted; round++) {
    await delay(deps.config.patrol.everySeconds * 1000, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    await lookForAll(deps, round)
  }
}

/** Each on its own: what cannot be done in one, say for want of space on the disk, keeps nobody from the others. */
async function lookForAll(deps: PatrolDeps, round: number): Promise<void> {
  const looks = {
    dynos: () => lookAround(deps),
    routes: () => deps.routes.refresh(),
    disks: () => replaceOverfull(deps),
    drains: async () => deps.drains.sync(),
    'one-offs': async () => deps.store.oneOffs.removeExpired(),
    ...(round % roundsPerSweep === 0 ? { leftovers: () => sweep(deps) } : {}),
  }
  for (const [what, look] of Object.entries(looks)) {
    await look().catch((error: unknown) => deps.log.warn({ err: error, what }, 'a look of the patrol failed'))
  }
}

/** One look at the engine for all apps; only those that differ from their record are converged. */
async function lookAround({ engine, store, states, retirement, dispatcher, routes }: PatrolDeps): Promise<void> {
  for (const { appId, id } of store.builds.listUnfinished()) void dispatcher.build(appId, id)
  const now = new Date()
  const all = await engine.listDynos()
  states.keepOnly(new Set(all.map(({ id }) => id)), now)
  const dynos = all.filter(({ id }) => !retirement.isRetiring(id))
  for (const app of store.apps.listAll()) {
    const own = dynos.filter(({ appId }) => appId === app.id)
    if (needsWork(store, app, own) || !isRouted(routes, app, own)) void dispatcher.converge(app.id)
  }
}

/** Whether the router knows the app, and each of its web dynos that run: one may have come up long after anybody waited for it. */
function isRouted(routes: PatrolDeps['routes'], app: App, dynos: Dyno[]): boolean {
  const route = routes.get(app.id)
  const targets = route?.targets.map(({ id }) => id) ?? []
  const web = dynos.filter(({ type, state }) => type === 'web' && state.kind === 'running')
  return route !== undefined && (app.maintenance || web.every(({ id }) => targets.includes(id)))
}

function needsWork(store: Store, app: App, dynos: Dyno[]): boolean {
  if (app.destroying || store.releases.listPending(app.id).length > 0) return true
  const deployable = currentDeployable(store, app)
  const wanted = deployable ? wantedDynos(store, deployable) : []
  return !isSettled(planDynos(wanted, { version: deployable?.release.version ?? 0, dynos }))
}
