import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import type { Addon } from '../model/addon.ts'
import type { App } from '../model/app.ts'
import type { Release } from '../model/release.ts'
import { createAddonRelease } from '../release/create.ts'
import type { Store } from '../store/store.ts'

type Records = Pick<Store, 'transaction' | 'addons' | 'addonAttachments' | 'apps' | 'configVars' | 'releases'>

/**
 * Takes an add-on from all apps that it is attached to, in one transaction; the worker removes it
 * with its data.
 * @param force although other apps than its own use it
 * @throws addon_attached
 */
export function destroyAddon(
  store: Records,
  addon: Addon,
  { account, force }: { account: Account; force: boolean },
): { app: App; release: Release }[] {
  return store.transaction(() => {
    const attachments = store.addonAttachments.list({ addonId: addon.id })
    const others = attachments.filter(({ appId }) => appId !== addon.appId)
    if (others.length > 0 && !force) {
      const names = [...new Set(others.map(({ appId }) => store.apps.get(appId)?.name ?? ''))].join(', ')
      throw new PaasError('addon_attached', `${addon.name} is attached to other apps: ${names}.`, {
        hint: 'Detach it there first, or destroy it with --force.',
      })
    }
    store.addons.setState(addon.id, { kind: 'deprovisioned' })
    for (const { id } of attachments) store.addonAttachments.remove(id)
    if (addon.state.kind !== 'provisioned') return []
    return attachments.flatMap(({ appId, name }) => {
      const app = store.apps.find(appId)
      if (!app) return []
      const description = `Detach ${name} (@${addon.name})`
      return [{ app, release: createAddonRelease(store, app, { description, accountId: account.id }) }]
    })
  })
}
