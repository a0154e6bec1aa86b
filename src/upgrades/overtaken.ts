import type { BuildId } from '../model/ids.ts'
import { newestGood } from '../model/pending-releases.ts'
import type { Store } from '../store/store.ts'
import { askUpgrade } from './ask.ts'

type Used = Pick<Store, 'apps' | 'builds' | 'releases' | 'slugs' | 'stackPatches' | 'stackUpgrades' | 'transaction'>

/**
 * A build that had put its slug on a run image before this got updates, and was released after the
 * app was moved, has brought the old image back: the app is to be moved once more. Rollbacks may do
 * that, too, and are left alone: the update may be why.
 * @returns whether that is asked for now; the caller wakes who does it
 */
export function askIfOvertaken(store: Used, buildId: BuildId): boolean {
  const build = store.builds.find(buildId)
  const slug = build?.slugId ? store.slugs.find(build.slugId) : undefined
  const app = build && store.apps.get(build.appId)
  if (!build || !slug || !app || app.destroying) return false
  const patch = store.stackPatches.newest(slug.stack)
  if (!patch || patch.createdAt < slug.createdAt) return false
  if (newestGood(store.releases.list(app.id))?.slugId !== slug.id) return false
  askUpgrade(store, { apps: [app], accountId: build.accountId })
  return true
}
