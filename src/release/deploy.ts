import type { Dyno, Engine } from '../engine/engine.ts'
import { isOneOff } from '../model/dyno.ts'
import type { AppRoute } from '../model/route.ts'
import type { Store } from '../store/store.ts'
import { askedAtFirst, typesOf, wantedDynos, type Deployable } from './deployable.ts'
import type { Narrator } from './narrator.ts'
import type { Retirement } from './retirement.ts'
import { routeFor, type RouteDeps } from './route.ts'
import type { Routes } from './routes.ts'
import { discard, startDynos, type StartDeps } from './start-dynos.ts'

export type DeployDeps = StartDeps & {
  engine: Pick<Engine, 'listDynos'>
  store: Pick<Store, 'apps' | 'formations' | 'slugs' | 'releases' | 'transaction'> & RouteDeps['store']
  routes: Pick<Routes, 'put' | 'remove'>
  retirement: Retirement
  domain: string
}

/** The times of a deploy's phases, in milliseconds. */
export type DeployTimes = { boot: number; switch: number }

/**
 * Makes a release the running one. All its dynos of all types are ready before the first request reaches any of them; then the
 * router switches in one step, and the record follows: from there on the release is current, whatever happens. The dynos it
 * replaced finish their requests and stop in the background.
 * @throws boot_failed, router_unavailable, engine_unavailable, or the signal's reason; then the previous release serves on
 */
export async function deploy(
  deps: DeployDeps,
  deployable: Deployable,
  { narrator, signal }: { narrator: Narrator; signal: AbortSignal },
): Promise<DeployTimes> {
  const begin = performance.now()
  const wanted = wantedDynos(deps.store, deployable)
  const previous = await presentDynos(deps, deployable)
  const dynos = await startDynos(deps, deployable, wanted, { narrator, signal })
  const booted = performance.now()
  try {
    signal.throwIfAborted()
    await switchOver(deps, deployable, dynos)
  } catch (cause) {
    await discard(deps, dynos)
    throw cause
  }
  deps.retirement.retire(previous)
  return { boot: booted - begin, switch: performance.now() - booted }
}

/** What serves until now, and what an attempt of a dead worker may have started. */
async function presentDynos({ engine }: DeployDeps, { app }: Deployable): Promise<Dyno[]> {
  const dynos = await engine.listDynos({ appId: app.id })
  return dynos.filter((dyno) => !isOneOff(dyno))
}

/** The router first, then the record: the commit point. A record that cannot be written takes the route back. */
async function switchOver(deps: DeployDeps, deployable: Deployable, dynos: Dyno[]): Promise<void> {
  const { store, routes } = deps
  const { release, slug } = deployable
  const app = { ...deployable.app, maintenance: store.apps.get(deployable.app.id)?.maintenance ?? false }
  const web = dynos.filter(({ type }) => type === 'web')
  const route = routeFor(deps, { ...app, currentReleaseId: release.id }, { ready: web, wantsWeb: web.length > 0 })
  const replaced = await routes.put(route)
  try {
    store.transaction(() => {
      store.formations.sync(app.id, typesOf(slug), askedAtFirst(deployable))
      store.apps.setCurrentRelease(app.id, release.id)
    })
  } catch (cause) {
    await putBack(routes, app.id, replaced)
    throw cause
  }
}

async function putBack(
  routes: DeployDeps['routes'],
  appId: AppRoute['appId'],
  route: AppRoute | undefined,
): Promise<void> {
  if (route) await routes.put(route)
  else await routes.remove(appId)
}
