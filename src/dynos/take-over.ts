import type { Dyno, Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { DynoSizes } from '../model/formation.ts'
import type { AppRoute } from '../model/route.ts'
import type { Store } from '../store/store.ts'
import type { Deployable } from './deployable.ts'
import type { DynoLog } from './dyno-log.ts'
import { explainFall } from './explain.ts'
import { hold, type Fallen, type HoldDeps } from './hold.ts'
import { tellLastLines } from './last-lines.ts'
import type { Narrator } from '../model/narrator.ts'
import type { Retirement } from './retirement.ts'
import { routeFor, type RouteDeps } from './route.ts'
import type { Routes } from './routes.ts'
import { discard } from './start-dynos.ts'

export type TakeOverDeps = HoldDeps & {
  engine: Pick<Engine, 'dynoOutput' | 'stopDyno'>
  store: Pick<Store, 'apps'> & RouteDeps['store']
  routes: Pick<Routes, 'get' | 'put' | 'remove'>
  retirement: Pick<Retirement, 'retire'>
  dynoLog: DynoLog
  sizes: DynoSizes
  domain: string
}

type Cast = {
  deployable: Deployable
  /** Those that begin to serve; all are ready. */
  dynos: Dyno[]
  /** Those of the same release that serve on. */
  kept: Dyno[]
  wantsWeb: boolean
}

type Options = {
  narrator: Narrator
  signal: AbortSignal
  /** Every new request goes to the new dynos. */
  onSwitch?: () => void
  /** They have held; from here on nothing is taken back. */
  commit?: () => void
}

/**
 * Puts new dynos in the place of those that serve, in one step, and watches them for the time of the hold. Until it is over those that they
 * replace run on as the router's standby, and the caller retires them afterwards. If a new one ends, the route of before comes back at once.
 * @throws boot_failed, router_unavailable, engine_unavailable, what `commit` throws, or the signal's reason; then what served serves, and the
 *   new ones go
 */
export async function takeOver(deps: TakeOverDeps, cast: Cast, options: Options): Promise<void> {
  const { routes, retirement } = deps
  const { narrator, signal, onSwitch, commit } = options
  const before = routes.get(cast.deployable.app.id)
  await switchOver(deps, cast, { before, signal })
  try {
    onSwitch?.()
    const fallen = await hold(deps, cast.dynos, signal)
    if (fallen) await giveUp(deps, cast, { before, fallen, narrator, signal })
    await routes.put(routeTo(deps, cast))
    commit?.()
  } catch (cause) {
    await putBack(routes, cast, before)
    retirement.retire(cast.dynos)
    throw cause
  }
}

async function switchOver(
  deps: TakeOverDeps,
  cast: Cast,
  { before, signal }: { before: AppRoute | undefined; signal: AbortSignal },
): Promise<void> {
  try {
    signal.throwIfAborted()
    const route = routeTo(deps, cast)
    const isWatched = deps.deployHold.seconds > 0 && route.state === 'up'
    await deps.routes.put(isWatched ? besideOld(route, before) : route)
  } catch (cause) {
    await discard(deps, cast.dynos)
    throw cause
  }
}

function besideOld(route: AppRoute, before: AppRoute | undefined): AppRoute {
  const standby = before?.targets.filter(({ id }) => !route.targets.some((target) => target.id === id)) ?? []
  return standby.length > 0 ? { ...route, standby } : route
}

/** With the app's domains, certificates and maintenance as they are now. */
function routeTo(deps: TakeOverDeps, { deployable, dynos, kept, wantsWeb }: Cast): AppRoute {
  const app = deps.store.apps.get(deployable.app.id) ?? deployable.app
  const ready = [...kept, ...dynos].filter(({ type }) => type === 'web')
  return routeFor(deps, { ...app, currentReleaseId: deployable.release.id }, { ready, wantsWeb })
}

type Failure = { before: AppRoute | undefined; fallen: Fallen; narrator: Narrator; signal: AbortSignal }

/** @throws boot_failed, when the route is back and the dyno's last lines are told */
async function giveUp(deps: TakeOverDeps, cast: Cast, { before, fallen, narrator, signal }: Failure): Promise<never> {
  await putBack(deps.routes, cast, before)
  await tellLastLines(deps, fallen.dyno, { narrator, signal })
  const { app, release } = cast.deployable
  const { name } = fallen.dyno
  throw new PaasError('boot_failed', `boot failed: ${explainFall(deps, fallen)}`, {
    hint: `${name} of ${app.name} v${release.version} did not hold. See: paas logs -a ${app.name} -d ${name}`,
  })
}

async function putBack(
  routes: TakeOverDeps['routes'],
  { deployable }: Cast,
  route: AppRoute | undefined,
): Promise<void> {
  if (route) await routes.put(route)
  else await routes.remove(deployable.app.id)
}
