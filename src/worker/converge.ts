import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import { deployPending, type PendingDeps } from '../release/pending.ts'
import { waitUntilReady } from '../release/readiness.ts'
import { reconcile, type ReconcileDeps } from '../release/reconcile.ts'
import type { AppLocks } from '../release/locks.ts'
import { destroy, type DestroyDeps } from './destroy.ts'

export type ConvergeDeps = PendingDeps &
  ReconcileDeps &
  DestroyDeps & {
    locks: AppLocks
    /** Asks for another converge of the app. */
    again: (appId: AppId) => void
  }

/**
 * Makes what runs equal to the record: an app that is being destroyed goes, a pending release is deployed, and the current release runs in
 * its formation. Recovery is the same, run again.
 */
export async function converge(deps: ConvergeDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const app = deps.store.apps.get(appId)
  if (!app) return
  if (app.destroying) return destroy(deps, app)
  await releaseWhatIsPending(deps, app, signal)
  const unready = await deps.locks.dynos.run(appId, async () => {
    const now = deps.store.apps.get(appId)
    return now && !now.destroying ? reconcile(deps, now, signal) : []
  })
  for (const dyno of unready) void comeBackWhenReady(deps, dyno, signal)
}

/** A build that is releasing wakes us when it is done; nobody waits for it here, so that scaling and repairs go on. */
async function releaseWhatIsPending(deps: ConvergeDeps, app: App, signal: AbortSignal): Promise<void> {
  if (deps.locks.releases.isHeld(app.id)) return
  await deps.locks.releases.run(app.id, () => deployPending(deps, app, signal))
}

/** A process the engine has started again serves as soon as it answers. */
async function comeBackWhenReady(deps: ConvergeDeps, dyno: Dyno, signal: AbortSignal): Promise<void> {
  try {
    const boot = await waitUntilReady(deps, dyno, { restarts: dyno.restarts, signal })
    if (boot.kind !== 'ready') return
    deps.dynoLog.up(dyno)
    deps.again(dyno.appId)
  } catch (error) {
    if (!signal.aborted) deps.log.warn({ app: dyno.appId, dyno: dyno.name, err: error }, 'dyno not watched')
  }
}
