import { askedAtFirst, typesOf, type Deployable } from '../dynos/deployable.ts'
import { newestGood } from '../model/pending-releases.ts'
import type { Release } from '../model/release.ts'
import type { Store } from '../store/store.ts'

/**
 * The commit point of a deploy: the release is current and has succeeded, and its process types are
 * the app's.
 */
export function recordSuccess(store: Store, deployable: Deployable): void {
  const { app, release, slug } = deployable
  store.transaction(() => {
    store.formations.sync(app.id, typesOf(slug), askedAtFirst(deployable))
    store.apps.setCurrentRelease(app.id, release.id)
  })
}

/** What was set with a release is taken back with it; one that brings code set nothing. */
export function recordFailure(store: Store, { id, appId, bringsCode }: Release, reason: string): void {
  store.transaction(() => {
    store.releases.setState(id, { kind: 'failed', reason })
    const good = newestGood(store.releases.list(appId))
    store.volumes.stay(id)
    store.volumes.switchBack(id)
    if (good && !bringsCode) store.configVars.replace(appId, store.releases.config(good.id))
  })
}
