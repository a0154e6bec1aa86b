import { PaasError } from '../errors.ts'
import { freeAttachmentName, type Addon } from '../model/addon.ts'
import type { AddonUpgrade } from '../model/addon-upgrade.ts'
import type { App } from '../model/app.ts'
import type { Release } from '../model/release.ts'
import type { Service } from '../model/service.ts'
import { createAddonRelease } from '../release/create.ts'
import type { Store } from '../store/store.ts'

type Records = Pick<
  Store,
  'transaction' | 'addons' | 'addonAttachments' | 'addonUpgrades' | 'apps' | 'configVars' | 'releases'
>

/**
 * Lets the new add-on take the place of the old one in all apps that it is attached to, in one
 * transaction with the verdict: the names of its attachments, and the port at which it is reached
 * from outside. The old one stays with its app under a name that is free.
 * @throws upgrade_failed where one of them is not there any more
 */
export function switchOver(
  store: Records,
  upgrade: AddonUpgrade,
  { addon, made, service }: { addon: Addon; made: Addon; service: Service },
): { app: App; release: Release }[] {
  return store.transaction(() => {
    const [before, after] = [store.addons.find(addon.id), store.addons.find(made.id)]
    if (before?.state.kind !== 'provisioned' || after?.state.kind !== 'provisioned')
      throw new PaasError('upgrade_failed', 'One of the two was destroyed meanwhile.')
    const attachments = store.addonAttachments.list({ addonId: addon.id })
    for (const { id, appId, name } of attachments) {
      store.addonAttachments.remove(id)
      store.addonAttachments.create({ appId, addonId: made.id, name })
    }
    const taken = new Set(store.addonAttachments.list({ appId: addon.appId }).map(({ name }) => name))
    const kept = freeAttachmentName(service, new Set([...taken, service.attachment]))
    store.addonAttachments.create({ appId: addon.appId, addonId: addon.id, name: kept })
    store.addons.setExposed(addon.id, null)
    store.addons.setExposed(made.id, before.exposed)
    store.addonUpgrades.setState(upgrade.id, { kind: 'succeeded' })
    const description = `Upgrade ${addon.name} to version ${upgrade.version} (@${made.name})`
    return [...new Set([addon.appId, ...attachments.map(({ appId }) => appId)])].flatMap((appId) => {
      const app = store.apps.get(appId)
      if (!app || app.destroying) return []
      return [{ app, release: createAddonRelease(store, app, { description, accountId: upgrade.accountId }) }]
    })
  })
}
