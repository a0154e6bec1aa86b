import type { Dyno, Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import { routeFor } from '../dynos/route.ts'
import type { ReadyDynos } from '../dynos/ready-dynos.ts'
import type { Retirement } from '../dynos/retirement.ts'
import type { Routes } from '../dynos/routes.ts'
import type { OneOffs } from '../run/one-offs.ts'
import type { DynoStates } from '../store/dyno-tables.ts'
import type { Store } from '../store/store.ts'
import type { LogCollector } from './collect-logs.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { LogCursors } from './log-cursors.ts'

export type RecoverDeps = {
  engine: Pick<Engine, 'secureHost' | 'removeOrphans' | 'listDynos'>
  store: Store
  states: Pick<DynoStates, 'keepOnly'>
  routes: Routes
  readyDynos: ReadyDynos
  retirement: Retirement
  collector: LogCollector
  cursors: LogCursors
  dispatcher: Dispatcher
  oneOffs: Pick<OneOffs, 'survivors' | 'resume'>
  domain: string
  log: Logger
}

/**
 * What every start and every return of the engine begins with: the host is secured again, and the record is gone through for what is to be
 * done, which also finds the addresses that dynos have now.
 * @param first before the first work of this process: sandboxes and one-offs are a dead worker's, and the router gets a whole table.
 *   Later that could undo a switch that is just being made.
 */
export async function recover(deps: RecoverDeps, { first }: { first: boolean }): Promise<void> {
  await deps.engine.secureHost()
  if (first) deps.store.builds.noteLosses()
  if (first) await deps.engine.removeOrphans(deps.oneOffs.survivors(await deps.engine.listDynos()))
  const now = new Date()
  const dynos = await deps.engine.listDynos()
  deps.states.keepOnly(new Set(dynos.map(({ id }) => id)), now)
  followOutput(deps, dynos)
  deps.oneOffs.resume(dynos)
  if (first) await routeToWhatRuns(deps, dynos)
  resumeWork(deps)
}

/** Every build without a verdict, every set-up that has not come to its end, and every app, whatever its state: those in order cost one look each. */
export function resumeWork({ store, dispatcher }: Pick<RecoverDeps, 'store' | 'dispatcher'>): void {
  for (const { appId, id } of store.builds.listUnfinished()) void dispatcher.build(appId, id)
  for (const { appId, buildId } of store.appSetups.listOpen()) void dispatcher.build(appId, buildId)
  for (const { id } of store.apps.listAll()) void dispatcher.converge(id)
  for (const { id, appId } of store.oneOffs.list()) void dispatcher.run({ kind: 'run', appId, oneOffId: id })
}

function followOutput({ cursors, collector }: RecoverDeps, dynos: Dyno[]): void {
  cursors.keepOnly(new Set(dynos.map(({ id }) => id)))
  for (const dyno of dynos) if (!dyno.attached) collector.follow(dyno)
}

/** The current release of each app, as far as its dynos answer; the rest is for its converge. */
async function routeToWhatRuns(deps: RecoverDeps, dynos: Dyno[]): Promise<void> {
  const { store, routes, readyDynos } = deps
  const table = store.apps
    .listAll()
    .filter(({ destroying }) => !destroying)
    .map(async (app) => {
      const version = app.currentReleaseId && store.releases.find(app.currentReleaseId)?.version
      const web = dynos.filter(({ appId, type, release }) => appId === app.id && type === 'web' && release === version)
      const ready = await Promise.all(web.map((dyno) => readyDynos.isReady(dyno)))
      const wantsWeb = store.formations.list(app.id).some(({ type, quantity }) => type === 'web' && quantity > 0)
      return routeFor(deps, app, { ready: web.filter((_, index) => ready[index]), wantsWeb })
    })
  await routes.install(await Promise.all(table))
}
