import { PaasError } from '../errors.ts'
import {
  attachedVars,
  attachmentNamePattern,
  freeAttachmentName,
  type Addon,
  type AddonAttachment,
} from '../model/addon.ts'
import { isUnderWay } from '../model/addon-upgrade.ts'
import type { App } from '../model/app.ts'
import type { Account } from '../model/account.ts'
import type { Service } from '../model/service.ts'
import type { Release } from '../model/release.ts'
import { createAddonRelease } from '../release/create.ts'
import type { Store } from '../store/store.ts'

type Records = Pick<Store, 'transaction' | 'addons' | 'addonAttachments' | 'addonUpgrades' | 'configVars' | 'releases'>

type Asked = { name: string | undefined; confirm: string | undefined }

/**
 * Attaches an add-on to an app under the name given, or one that is free. One that has that name
 * gives it up if it is confirmed, as do config vars of its names.
 * @returns also the config vars that give way
 * @throws invalid_params, confirmation_required, addon_attached
 */
export function attachAddon(
  store: Records,
  { app, addon, service }: { app: App; addon: Addon; service: Service },
  { name, confirm }: Asked,
): { attachment: AddonAttachment; overwritten: string[] } {
  return store.transaction(() => {
    letBeWritten(store, addon)
    const present = store.addonAttachments.list({ appId: app.id })
    const named = name?.toUpperCase() ?? freeAttachmentName(service, namesTaken(store, app, { present, service }))
    if (!attachmentNamePattern.test(named)) {
      throw new PaasError('invalid_params', `${JSON.stringify(named.slice(0, 60))} is no name for an attachment.`, {
        hint: 'It consists of letters, digits and _, and begins with a letter: --as FOLLOWER.',
      })
    }
    const replaced = present.find((one) => one.name === named)
    if (replaced?.addonId === addon.id) {
      throw new PaasError('addon_attached', `${addon.name} is attached to ${app.name} as ${named} already.`)
    }
    const vars = Object.keys(attachedVars({ name: named }, service.config))
    const all = store.configVars.get(app.id)
    const overwritten = replaced ? [] : vars.filter((key) => Object.hasOwn(all, key))
    if ((replaced || overwritten.length > 0) && confirm !== app.name) {
      const what = replaced ? `the attachment ${named}` : `the config vars ${overwritten.join(', ')}`
      throw new PaasError('confirmation_required', `This overwrites ${what} of ${app.name}.`, {
        hint: `Confirm it with: --confirm ${app.name}`,
      })
    }
    if (replaced) {
      checkNotLast(store, replaced)
      store.addonAttachments.remove(replaced.id)
    }
    return { attachment: store.addonAttachments.create({ appId: app.id, addonId: addon.id, name: named }), overwritten }
  })
}

/** One that was replaced is used again: its owner goes back to it. */
function letBeWritten({ addons, addonUpgrades }: Records, { id, held }: Addon): void {
  if (held === 'yes' && !addonUpgrades.list(id).some(isUnderWay)) addons.setHeld(id, 'ending')
}

/** Names whose config vars somebody has set count too. */
function namesTaken(
  { configVars }: Pick<Records, 'configVars'>,
  app: App,
  { present, service }: { present: AddonAttachment[]; service: Service },
): Set<string> {
  const keys = Object.keys(configVars.get(app.id))
  const own = keys.flatMap((key) =>
    Object.keys(service.config).flatMap((suffix) =>
      key.endsWith(`_${suffix}`) ? [key.slice(0, -suffix.length - 1)] : [],
    ),
  )
  return new Set([...present.map(({ name }) => name), ...own])
}

/**
 * Takes an attachment away, with its config vars.
 * @throws addon_attached for the last one: nobody would reach the add-on
 */
export function detachAddon(
  store: Records,
  { app, addon, attachment }: { app: App; addon: Addon; attachment: AddonAttachment },
  account: Account,
): Release {
  return store.transaction(() => {
    checkNotLast(store, attachment)
    store.addonAttachments.remove(attachment.id)
    return createAddonRelease(store, app, {
      description: `Detach ${attachment.name} (@${addon.name})`,
      accountId: account.id,
    })
  })
}

/** @throws addon_attached */
function checkNotLast({ addons, addonAttachments }: Records, { addonId, name }: AddonAttachment): void {
  if (addonAttachments.list({ addonId }).length > 1) return
  const addon = addons.find(addonId)?.name ?? ''
  throw new PaasError('addon_attached', `${name} is the only attachment of ${addon}, which nobody would reach then.`, {
    hint: `Attach it elsewhere first, or destroy it with: addons:destroy ${addon}`,
  })
}
