import type { Dyno } from '../engine/engine.ts'
import type { DynoParts } from './parts.ts'
import { isLeaving } from './make-way.ts'
import { routeFor } from './route.ts'

/**
 * The router's whole table at the start of a worker: the current release of each app, as far as its
 * dynos answer. Where one was about to be replaced by the worker before, requests wait.
 */
export async function routeToWhatRuns(
  parts: Pick<DynoParts, 'store' | 'routes' | 'readyDynos' | 'domain'>,
  dynos: Dyno[],
): Promise<void> {
  const { store, routes, readyDynos } = parts
  const table = store.apps
    .listAll()
    .filter(({ destroying }) => !destroying)
    .map(async (app) => {
      const version = app.currentReleaseId && store.releases.find(app.currentReleaseId)?.version
      const web = dynos.filter(({ appId, type, release }) => appId === app.id && type === 'web' && release === version)
      const ready = await Promise.all(web.map(async (dyno) => !isLeaving(store, dyno) && readyDynos.isReady(dyno)))
      const wantsWeb = store.formations.list(app.id).some(({ type, quantity }) => type === 'web' && quantity > 0)
      return routeFor(parts, app, { ready: web.filter((_, index) => ready[index]), wantsWeb, soon: true })
    })
  await routes.install(await Promise.all(table))
}
