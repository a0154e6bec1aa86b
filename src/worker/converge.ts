import type { Dyno } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import { silent } from '../model/narrator.ts'
import { beginsWithCommand, deployPending, nextStepOf, type PendingDeps } from '../release/pending.ts'
import { waitUntilReady } from '../dynos/readiness.ts'
import { resizeDynos } from '../dynos/restart.ts'
import { reconcile, type ReconcileDeps } from '../dynos/reconcile.ts'
import type { AppLocks } from '../app-lock.ts'
import { destroy, type DestroyDeps } from './destroy.ts'
import { releasePhase, type ReleasePhaseDeps } from './release-phase.ts'

export type ReleaseDeps = Omit<PendingDeps, 'releasePhase'> & ReleasePhaseDeps & { locks: AppLocks }

export type ConvergeDeps = ReleaseDeps &
  ReconcileDeps &
  DestroyDeps & {
    /** Asks for another converge of the app. */
    again: (appId: AppId) => void
    /** Asks for `release` beside the converges. */
    releaseAside: (appId: AppId) => void
  }

/**
 * Makes what runs equal to the record: an app that is being destroyed goes, a pending release is deployed, and the current release runs in
 * its formation. Recovery is the same, run again.
 */
export async function converge(deps: ConvergeDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const app = deps.store.apps.get(appId)
  if (!app) return
  if (app.destroying) return destroy(deps, app)
  try {
    await releaseWhatIsPending(deps, appId, signal)
  } finally {
    // Also where a release cannot be recorded: what serves is kept serving.
    if (!signal.aborted) await repair(deps, appId, signal)
  }
}

async function repair(deps: ConvergeDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const unready = await deps.locks.dynos.run(appId, async () => {
    const now = deps.store.apps.get(appId)
    if (!now || now.destroying) return []
    await resize(deps, now, signal)
    return reconcile(deps, now, signal)
  })
  for (const dyno of unready) void comeBackWhenReady(deps, dyno, signal)
}

/** Where the new ones do not come up, or do not hold, the old ones serve on, and the size is what it was. */
async function resize(deps: ConvergeDeps, app: App, signal: AbortSignal): Promise<void> {
  try {
    await resizeDynos(deps, app, signal)
  } catch (cause) {
    const error = asPaasError(cause)
    if (error.fault === 'server') throw cause
    deps.platformLog.api(app.id, `Resize failed: ${error.message}`)
  }
}

/** Takes the app's next pending release to its verdict, with its command, if it has one. */
export async function release(deps: ReleaseDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const phase: PendingDeps['releasePhase'] = (deployable) =>
    releasePhase(deps, deployable, { narrator: silent, signal })
  await deps.locks.releases.run(appId, () => deployPending({ ...deps, releasePhase: phase }, appId, signal))
}

/** Whoever is releasing wakes us when it is done. Nobody waits here for a build or a command, so that scaling and repairs go on. */
async function releaseWhatIsPending(deps: ConvergeDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  while (!deps.locks.releases.isHeld(appId)) {
    const step = nextStepOf(deps.store, appId)
    if (step.kind === 'none') return
    if (beginsWithCommand(deps.store, step)) return deps.releaseAside(appId)
    await release(deps, appId, signal)
  }
}

/** A process the engine has started again serves as soon as it answers. */
async function comeBackWhenReady(deps: ConvergeDeps, dyno: Dyno, signal: AbortSignal): Promise<void> {
  try {
    const boot = await waitUntilReady(deps, dyno, { restarts: dyno.restarts, signal })
    if (boot.kind === 'timeout') deps.dynoLog.bootTimeout(dyno, deps.boot.timeoutSeconds)
    if (boot.kind !== 'ready') return
    deps.dynoLog.up(dyno)
    deps.again(dyno.appId)
  } catch (error) {
    if (!signal.aborted) deps.log.warn({ app: dyno.appId, dyno: dyno.name, err: error }, 'dyno not watched')
  }
}
