import type { AppId } from '../model/ids.ts'
import { destroy } from './destroy.ts'
import { removeLeavingVolumes } from './volumes.ts'
import type { Working } from './parts.ts'

/**
 * Makes what runs equal to the database: an app that is being destroyed goes, a pending release is
 * released, and the current release runs in its formation. Recovery is the same, run again.
 */
export async function converge(worker: Working, appId: AppId, signal: AbortSignal): Promise<void> {
  const { store, releases, dynos, ownPages, dispatcher } = worker
  const app = store.apps.get(appId)
  if (!app) return
  if (app.destroying) return destroy(worker, app)
  ownPages.look(appId)
  try {
    const { isCommandNext } = await releases.releasePending(appId, signal)
    if (isCommandNext) dispatcher.release(appId)
  } finally {
    // Done even where a release cannot be recorded, so that what serves is kept serving.
    const onReady = (): void => void dispatcher.converge(appId)
    if (!signal.aborted) await dynos.reconcile(appId, { signal, onReady })
    await removeLeavingVolumes(worker, appId)
  }
}
