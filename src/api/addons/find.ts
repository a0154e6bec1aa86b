import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Role } from '../../model/access.ts'
import type { Addon, AddonAttachment } from '../../model/addon.ts'
import type { App } from '../../model/app.ts'
import type { Store } from '../../store/store.ts'
import { appNamed } from '../http/access.ts'

type Records = Pick<Store, 'apps' | 'audit' | 'collaborators' | 'addons' | 'addonAttachments'>

/**
 * The add-on of the request's path. Who may see an app that it is attached to may see it; more
 * needs that role in the app whose it is.
 * @throws addon_not_found, forbidden
 */
export function addonOf(store: Records, request: FastifyRequest, needed: Role = 'view'): Addon {
  const { addon: idOrName } = request.params as { addon: string }
  return addonNamed(store, request, { idOrName, needed })
}

/** Likewise for one that the request names elsewhere. @throws addon_not_found, forbidden */
export function addonNamed(
  store: Records,
  request: FastifyRequest,
  { idOrName, needed }: { idOrName: string; needed: Role },
): Addon {
  const addon = store.addons.findNamed(idOrName)
  if (!addon || !isSeen(store, request, addon)) throw noAddon(idOrName)
  if (needed !== 'view') store.audit.add({ app: appNamed(store, request, { idOrName: addon.appId, needed }) })
  return addon
}

/**
 * Of one app: what it owns, or what is attached to it, by id, name, the attachment's name or its
 * config var.
 * @throws addon_not_found
 */
export function addonIn(store: Records, request: FastifyRequest, app: App): Addon {
  const { addon: key } = request.params as { addon: string }
  const [found] = addonsCalled(store, app, key)
  if (!found) throw noAddon(key)
  return found
}

export function addonsCalled(store: Records, app: App, key: string): Addon[] {
  const owned = store.addons.list(app.id).filter(({ id, name }) => id === key || name === key)
  const attached = attachmentsCalled(store, app, key).map(({ addonId }) => store.addons.find(addonId))
  const found = [...owned, ...attached].filter((addon) => addon !== undefined && isThere(addon)) as Addon[]
  return [...new Map(found.map((addon) => [addon.id, addon])).values()]
}

/** Attachments of the app of that name, id or config var, or of the add-on that is named so. */
export function attachmentsCalled(store: Records, app: App, key: string): AddonAttachment[] {
  const all = store.addonAttachments.list({ appId: app.id })
  const exact = all.filter(
    ({ id, name, addonId }) =>
      id === key ||
      name === key.toUpperCase() ||
      Object.keys(store.addons.secrets(addonId).config).some((suffix) => `${name}_${suffix}` === key.toUpperCase()),
  )
  if (exact.length > 0) return exact
  return all.filter(({ addonId }) => addonId === key || store.addons.find(addonId)?.name === key)
}

/** Those that somebody may see. */
export function addonsSeen(store: Records, request: FastifyRequest): Addon[] {
  return store.addons.list().filter((addon) => isThere(addon) && isSeen(store, request, addon))
}

export function attachmentsSeen(store: Records, request: FastifyRequest): AddonAttachment[] {
  return store.addonAttachments.list().filter(({ appId }) => roleIn(store, request, appId) !== undefined)
}

/** @throws not_found, forbidden */
export function attachmentOf(store: Records, request: FastifyRequest, needed: Role): AddonAttachment {
  const { attachment: id } = request.params as { attachment: AddonAttachment['id'] }
  const found = store.addonAttachments.find(id)
  const role = found && roleIn(store, request, found.appId)
  if (!found || !role) throw new PaasError('not_found', `There is no attachment ${JSON.stringify(id)}.`)
  if (needed !== 'view') store.audit.add({ app: appNamed(store, request, { idOrName: found.appId, needed }) })
  return found
}

export function isThere({ state }: Addon): boolean {
  return state.kind !== 'deprovisioned'
}

function isSeen(store: Records, request: FastifyRequest, { id, appId }: Addon): boolean {
  const apps = [appId, ...store.addonAttachments.list({ addonId: id }).map((one) => one.appId)]
  return apps.some((app) => roleIn(store, request, app) !== undefined)
}

function roleIn({ apps, collaborators }: Records, { identity }: FastifyRequest, appId: App['id']): Role | undefined {
  const app = apps.find(appId)
  return app && collaborators.roleOf(identity.account, app)
}

export function noAddon(key: string): PaasError {
  return new PaasError('addon_not_found', `There is no add-on ${JSON.stringify(key)}.`)
}
