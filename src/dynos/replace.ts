import type { Dyno, Engine } from '../engine/engine.ts'
import { isOneOff } from '../model/dyno.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { Store } from '../store/store.ts'
import { askedAtFirst, typesOf, wantedDynos, type Deployable } from './deployable.ts'
import type { Narrator } from '../model/narrator.ts'
import { startDynos, type StartDeps } from './start-dynos.ts'
import { takeOver, type TakeOverDeps } from './take-over.ts'

export type DeployDeps = StartDeps &
  TakeOverDeps & {
    quotas: Pick<Quotas, 'reserveDynos'>
    engine: Pick<Engine, 'listDynos'>
    store: Pick<Store, 'apps' | 'formations' | 'slugs' | 'releases' | 'transaction'>
  }

/** The times of a deploy's phases, in milliseconds. */
export type DeployTimes = { boot: number; switch: number; hold: number }

/**
 * Makes a release the running one. All its dynos of all types are ready before the first request reaches any of them; then the router switches
 * in one step. When they have held for a while, the record follows: from there on the release is current, whatever happens. The dynos it
 * replaced finish their requests and stop in the background.
 * @throws account_limit, boot_failed, router_unavailable, engine_unavailable, or the signal's reason; then the previous release serves on, or again
 */
export async function deploy(
  deps: DeployDeps,
  deployable: Deployable,
  { narrator, signal }: { narrator: Narrator; signal: AbortSignal },
): Promise<DeployTimes> {
  const begin = performance.now()
  const wanted = wantedDynos(deps.store, deployable)
  using reserved = deps.quotas.reserveDynos(deployable.app, wanted.length - dynosOnRecord(deps.store, deployable))
  const wantsWeb = wanted.some(({ type }) => type === 'web')
  const previous = await presentDynos(deps, deployable)
  const dynos = await startDynos(deps, deployable, wanted, { narrator, signal })
  const booted = performance.now()
  let switched = booted
  const onSwitch = (): void => {
    switched = performance.now()
    narrator.detail(`Released v${deployable.release.version}`)
  }
  const commit = (): void => {
    makeCurrent(deps.store, deployable)
    reserved[Symbol.dispose]()
  }
  await takeOver(deps, { deployable, dynos, kept: [], wantsWeb }, { narrator, signal, onSwitch, commit })
  deps.retirement.retire(previous)
  return { boot: booted - begin, switch: switched - booted, hold: performance.now() - switched }
}

/** By the formation as it is. */
function dynosOnRecord({ formations }: DeployDeps['store'], { app }: Deployable): number {
  return formations.list(app.id).reduce((sum, { quantity }) => sum + quantity, 0)
}

/** What serves until now, and what an attempt of a dead worker may have started. */
async function presentDynos({ engine }: DeployDeps, { app }: Deployable): Promise<Dyno[]> {
  const dynos = await engine.listDynos({ appId: app.id })
  return dynos.filter((dyno) => !isOneOff(dyno))
}

/** The commit point. */
function makeCurrent(store: DeployDeps['store'], deployable: Deployable): void {
  const { app, release, slug } = deployable
  store.transaction(() => {
    store.formations.sync(app.id, typesOf(slug), askedAtFirst(deployable))
    store.apps.setCurrentRelease(app.id, release.id)
  })
}
