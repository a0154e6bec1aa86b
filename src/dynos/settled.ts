import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import { wantedDynos } from './deployable.ts'
import type { DynoParts } from './parts.ts'
import { isSettled, planDynos } from './plan.ts'
import { currentDeployable } from './reconcile.ts'

/**
 * Whether an app's dynos, and the routes to them, are what the database says.
 * @param dynos those of the app that are not being retired
 */
export function isAsRecorded(parts: Pick<DynoParts, 'store' | 'routes'>, app: App, dynos: Dyno[]): boolean {
  return hasWanted(parts, app, dynos) && isRouted(parts, app, dynos)
}

function hasWanted({ store }: Pick<DynoParts, 'store'>, app: App, dynos: Dyno[]): boolean {
  const deployable = currentDeployable(store, app)
  const wanted = deployable ? wantedDynos(store, deployable) : []
  return isSettled(planDynos(wanted, { version: deployable?.release.version ?? 0, dynos }))
}

/**
 * Whether the router knows the app, and each of its web dynos that run: one may have come up long
 * after anybody waited for it.
 */
function isRouted({ routes }: Pick<DynoParts, 'routes'>, app: App, dynos: Dyno[]): boolean {
  const route = routes.get(app.id)
  const targets = route?.targets.map(({ id }) => id) ?? []
  const web = dynos.filter(({ type, state }) => type === 'web' && state.kind === 'running')
  return route !== undefined && (app.maintenance || web.every(({ id }) => targets.includes(id)))
}
