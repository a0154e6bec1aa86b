import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { AppRoute } from '../model/route.ts'
import type { Deployable } from './deployable.ts'
import { explainFall } from './explain.ts'
import { hold, type Fallen } from './hold.ts'
import { tellLastLines } from './last-lines.ts'
import type { Narrator } from '../model/narrator.ts'
import type { DynoParts } from './parts.ts'
import { routeFor } from './route.ts'
import { discard } from './start-dynos.ts'

type Used = Pick<
  DynoParts,
  'engine' | 'store' | 'routes' | 'retirement' | 'exits' | 'dynoLog' | 'deployHold' | 'sizes' | 'domain'
>

type Cast = {
  deployable: Deployable
  /** Those that begin to serve; all are ready. */
  dynos: Dyno[]
  /** Those of the same release that keep serving. */
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
 * Puts new dynos in the place of those that serve, in one step, and watches them for the time of
 * the hold. Until it is over those that they replace run on as the router's standby, and the caller
 * retires them afterwards. If a new one ends, the route of before comes back at once.
 * @throws boot_failed, router_unavailable, engine_unavailable, what `commit` throws, or the
 *   signal's reason; then what served serves, and the new ones go
 */
export async function takeOver(parts: Used, cast: Cast, options: Options): Promise<void> {
  const { routes, retirement } = parts
  const { narrator, signal, onSwitch, commit } = options
  const before = routes.get(cast.deployable.app.id)
  await switchOver(parts, cast, { before, signal })
  try {
    onSwitch?.()
    const fallen = await hold(parts, cast.dynos, signal)
    if (fallen) await giveUp(parts, cast, { before, fallen, narrator, signal })
    await routes.put(routeTo(parts, cast))
    commit?.()
  } catch (cause) {
    await putBack(routes, cast, before)
    retirement.retire(cast.dynos)
    throw cause
  }
}

async function switchOver(
  parts: Used,
  cast: Cast,
  { before, signal }: { before: AppRoute | undefined; signal: AbortSignal },
): Promise<void> {
  try {
    signal.throwIfAborted()
    const route = routeTo(parts, cast)
    const isWatched = parts.deployHold.seconds > 0 && route.state === 'up'
    await parts.routes.put(isWatched ? besideOld(route, before) : route)
  } catch (cause) {
    await discard(parts, cast.dynos)
    throw cause
  }
}

function besideOld(route: AppRoute, before: AppRoute | undefined): AppRoute {
  const standby = before?.targets.filter(({ id }) => !route.targets.some((target) => target.id === id)) ?? []
  return standby.length > 0 ? { ...route, standby } : route
}

/** Uses the app's current domains, certificates and maintenance mode. */
function routeTo(parts: Used, { deployable, dynos, kept, wantsWeb }: Cast): AppRoute {
  const app = parts.store.apps.get(deployable.app.id) ?? deployable.app
  const ready = [...kept, ...dynos].filter(({ type }) => type === 'web')
  return routeFor(parts, { ...app, currentReleaseId: deployable.release.id }, { ready, wantsWeb })
}

type Failure = { before: AppRoute | undefined; fallen: Fallen; narrator: Narrator; signal: AbortSignal }

/** @throws boot_failed, when the route is back and the dyno's last lines are told */
async function giveUp(parts: Used, cast: Cast, { before, fallen, narrator, signal }: Failure): Promise<never> {
  await putBack(parts.routes, cast, before)
  await tellLastLines(parts, fallen.dyno, { narrator, signal })
  const { app, release } = cast.deployable
  const { name } = fallen.dyno
  throw new PaasError('boot_failed', `boot failed: ${explainFall(parts, fallen)}`, {
    hint: `${name} of ${app.name} v${release.version} did not keep running. See: paas logs -a ${app.name} -d ${name}`,
  })
}

async function putBack(routes: DynoParts['routes'], { deployable }: Cast, route: AppRoute | undefined): Promise<void> {
  if (route) await routes.put(route)
  else await routes.remove(deployable.app.id)
}
