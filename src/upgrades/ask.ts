import type { App } from '../model/app.ts'
import type { AccountId, AppId } from '../model/ids.ts'
import { newestGood } from '../model/pending-releases.ts'
import type { StackUpgrade } from '../model/stack-upgrade.ts'
import type { Store } from '../store/store.ts'

type Used = Pick<Store, 'transaction' | 'releases' | 'stackUpgrades'>

/**
 * Records that these apps are to be moved to a run image with Debian's updates, those of them that
 * have code. One that is under way for the same apps is that one. The caller wakes the worker
 * (`upgrade`).
 */
export function askUpgrade(
  store: Used,
  { apps, accountId }: { apps: Pick<App, 'id'>[]; accountId: AccountId | null },
): StackUpgrade {
  return store.transaction(() => {
    const appIds = apps.map(({ id }) => id).filter((id) => newestGood(store.releases.list(id))?.slugId)
    const same = store.stackUpgrades.listRunning().find(({ moves }) => areThose(moves, appIds))
    return same ?? store.stackUpgrades.create({ accountId, appIds })
  })
}

function areThose(moves: StackUpgrade['moves'], appIds: AppId[]): boolean {
  return moves.length === appIds.length && moves.every(({ appId }) => appIds.includes(appId))
}
