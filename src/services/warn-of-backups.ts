import type { PlatformLog } from '../logs/platform-log.ts'
import type { Addon } from '../model/addon.ts'
import type { Store } from '../store/store.ts'

type Deps = { store: Pick<Store, 'apps' | 'accounts' | 'webhookDeliveries'>; platformLog: PlatformLog }

/** Tells the app's log, and its webhooks as a change of the add-on. */
export function warnOfBackups({ store, platformLog }: Deps, addon: Addon, what: string): void {
  const { id, name, appId } = addon
  platformLog.api(appId, `Error L22 (backup missing): ${name}: ${what}. See: paas backups`)
  const app = store.apps.get(appId)
  const owner = app && store.accounts.find(app.ownerId)
  if (!app || !owner) return
  store.webhookDeliveries.publish({
    appId,
    include: 'api:addon',
    action: 'update',
    actor: { id: owner.id, email: owner.email },
    data: { id, name, app: { id: appId, name: app.name }, state: addon.state.kind, backup: { problem: what } },
    previousData: {},
  })
}
