import type { Dyno } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { DynoSize } from '../model/formation.ts'
import { wantedDynos, type WantedDyno } from './deployable.ts'
import { silent } from '../model/narrator.ts'
import { comesBack, planDynos, type Plan } from './plan.ts'
import { currentDeployable, livingDynos, readyOnes, type ReconcileDeps } from './reconcile.ts'
import { startDynos } from './start-dynos.ts'
import { takeOver, type TakeOverDeps } from './take-over.ts'

export type RestartDeps = ReconcileDeps & TakeOverDeps

/**
 * Replaces dynos by new ones of the same release, without a gap: the new ones are ready, and have held for a while, before the old ones
 * leave service.
 * @param which a dyno (`web.1`), a process type (`web`), or null for all
 * @throws boot_failed when the new ones do not come up or do not hold; then the old ones stay
 */
export async function restartDynos(
  deps: RestartDeps,
  app: App,
  which: string | null,
  signal: AbortSignal,
): Promise<void> {
  const isMeant = ({ name, type }: { name: string; type: string }) => which === null || which === name || which === type
  await replaceDynos(deps, app, { plan: (wanted, present) => planDynos(wanted, present, isMeant), signal })
}

/** Does the same with these dynos, as far as they are of the formation. */
export async function replaceByFresh(deps: RestartDeps, app: App, dynos: Dyno[], signal: AbortSignal): Promise<void> {
  const isMeant = ({ id }: Dyno): boolean => dynos.some((dyno) => dyno.id === id)
  await replaceDynos(deps, app, { plan: (wanted, present) => planDynos(wanted, present, isMeant), signal })
}

/**
 * Does the same with those dynos of the current release that run in another size than they should. Where the new ones do not come up, or do not
 * hold, the size of their type is what it was.
 * @throws boot_failed
 */
export async function resizeDynos(deps: RestartDeps, app: App, signal: AbortSignal): Promise<void> {
  let old: Dyno[] = []
  const plan = (wanted: WantedDyno[], present: Present): Plan => {
    const { keep, start, stop } = planDynos(wanted, present)
    old = stop.filter((dyno) => dyno.release === present.version && comesBack(dyno) && isNamedIn(start, dyno))
    return { keep, start: start.filter((want) => isNamedIn(old, want)), stop: old }
  }
  try {
    await replaceDynos(deps, app, { plan, signal })
  } catch (cause) {
    if (asPaasError(cause).fault !== 'server') takeSizesBack(deps, app, old)
    throw cause
  }
}

function takeSizesBack({ store }: RestartDeps, { id }: App, dynos: Dyno[]): void {
  const sizes = new Map(dynos.map(({ type, size }) => [type, size as DynoSize]))
  const present = store.formations.list(id).filter(({ type }) => sizes.has(type))
  store.formations.scale(
    id,
    present.map(({ type, quantity, size }) => ({ type, quantity, size: sizes.get(type) ?? size })),
  )
}

function isNamedIn(others: { name: string }[], { name }: { name: string }): boolean {
  return others.some((other) => other.name === name)
}

type Present = { version: number; dynos: Dyno[] }
type Replacement = { plan: (wanted: WantedDyno[], present: Present) => Plan; signal: AbortSignal }

async function replaceDynos(deps: RestartDeps, app: App, { plan, signal }: Replacement): Promise<void> {
  const deployable = currentDeployable(deps.store, app)
  if (!deployable) return
  const wanted = wantedDynos(deps.store, deployable)
  const present = { version: deployable.release.version, dynos: await livingDynos(deps, app) }
  const { keep, start, stop } = plan(wanted, present)
  if (start.length === 0) return // what is too much is the reconciler's
  const started = await startDynos(deps, deployable, start, { narrator: silent, signal })
  const wantsWeb = wanted.some(({ type }) => type === 'web')
  const kept = await readyOnes(deps, keep)
  await takeOver(deps, { deployable, dynos: started, kept, wantsWeb }, { narrator: silent, signal })
  deps.retirement.retire(stop)
}
