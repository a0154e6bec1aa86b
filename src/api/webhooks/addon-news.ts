import type { Config } from '../../config.ts'
import type { Service } from '../../model/service.ts'
import type { NewWebhookEvent } from '../../model/webhook.ts'
import { readServices } from '../../services/definition.ts'
import type { WebhookChange } from '../../store/delivery-records.ts'
import type { Store } from '../../store/store.ts'
import { addonJson, attachmentJson } from '../addons/addon-json.ts'
import { userJson } from '../apps/app-json.ts'

type Deps = { store: Store; config: Pick<Config, 'servicesDirectories'> }

/** As a request that asks for nothing special sees it. */
const request = { headers: {} }

/**
 * An add-on that was asked for, and that is there then, or is not: `update`, with a state other
 * than `provisioning`.
 */
export function describeAddon(
  { store, config }: Deps,
  { appId, action, id }: Extract<WebhookChange, { kind: 'addon' }>,
): NewWebhookEvent | undefined {
  const addon = store.addons.find(id)
  const app = store.apps.get(appId)
  if (!addon || !app) return undefined
  const actor = userJson(store, addon.accountId ?? app.ownerId)
  const now = addonJson({ store, services: servicesOf(config), request }, addon)
  const event = { appId, include: 'api:addon' as const, action, actor }
  // It may be done with by now; that is told next.
  if (action === 'create')
    return { ...event, data: { ...now, config_vars: [], state: 'provisioning' }, previousData: {} }
  return { ...event, data: now, previousData: { state: 'provisioning' } }
}

export function describeAttachment(
  { store, config }: Deps,
  { appId, action, id, last }: Extract<WebhookChange, { kind: 'attachment' }>,
): NewWebhookEvent | undefined {
  const attachment = last ?? store.addonAttachments.find(id)
  const app = store.apps.get(appId)
  if (!attachment || !app) return undefined
  const actor = userJson(store, store.addons.find(attachment.addonId)?.accountId ?? app.ownerId)
  const data = attachmentJson({ store, services: servicesOf(config), request }, attachment)
  return { appId, include: 'api:addon-attachment', action, actor, data, previousData: {} }
}

/** One that cannot be read, the routes say. */
function servicesOf({ servicesDirectories }: Deps['config']): Service[] {
  return readServices(servicesDirectories, () => undefined)
}
