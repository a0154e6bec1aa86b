import { asPaasError } from '../errors.ts'
import type { AppId } from '../model/ids.ts'
import type { AppLocks } from '../app-lock.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import { restartDynos, type RestartDeps } from '../dynos/restart.ts'
import type { OneOffs } from '../run/one-offs.ts'

/**
 * Replaces dynos because a user asked for it; if the new ones do not come up the old ones stay, and the app's log says why. A one-off is
 * in no formation, so it is stopped and nothing takes its place.
 */
export async function restart(
  deps: RestartDeps & { locks: AppLocks; platformLog: Pick<PlatformLog, 'api'>; oneOffs: Pick<OneOffs, 'stop'> },
  appId: AppId,
  dyno: string | null,
  signal: AbortSignal,
): Promise<void> {
  if (dyno !== null) await deps.oneOffs.stop(appId, dyno)
  await deps.locks.dynos.run(appId, async () => {
    const app = deps.store.apps.get(appId)
    if (!app || app.destroying) return
    try {
      await restartDynos(deps, app, dyno, signal)
    } catch (cause) {
      const error = asPaasError(cause)
      if (error.fault === 'server') throw cause
      deps.platformLog.api(appId, `Restart failed: ${error.message}`)
    }
  })
}
