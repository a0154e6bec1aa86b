import type { App } from '../model/app.ts'
import { wantedDynos } from './deployable.ts'
import { silent } from './narrator.ts'
import { planDynos } from './plan.ts'
import { currentDeployable, livingDynos, routeTo, type ReconcileDeps } from './reconcile.ts'
import { startDynos } from './start-dynos.ts'

/**
 * Replaces dynos by new ones of the same release, without a gap: the new ones are ready before the old ones leave service.
 * @param which a dyno (`web.1`), a process type (`web`), or null for all
 * @throws boot_failed when the new ones do not come up; then the old ones stay
 */
export async function restartDynos(
  deps: ReconcileDeps,
  app: App,
  which: string | null,
  signal: AbortSignal,
): Promise<void> {
  const deployable = currentDeployable(deps.store, app)
  if (!deployable) return
  const isMeant = ({ name, type }: { name: string; type: string }) => which === null || which === name || which === type
  const wanted = wantedDynos(deps.store, deployable)
  const present = { version: deployable.release.version, dynos: await livingDynos(deps, app) }
  const { keep, start, stop } = planDynos(wanted, present, isMeant)
  const started = await startDynos(deps, deployable, start, { narrator: silent, signal })
  await routeTo(deps, app, [...keep, ...started], wanted)
  deps.retirement.retire(stop)
}
