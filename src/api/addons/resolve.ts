import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { serviceNamed, type Service } from '../../model/service.ts'
import type { Api } from '../deps.ts'
import { appNamed } from '../http/access.ts'
import { addonJson, attachmentJson } from './addon-json.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { addonsCalled, addonsSeen, attachmentsCalled, attachmentsSeen, noAddon } from './find.ts'

const closed = { additionalProperties: false }
const name = Type.String({ maxLength: 200 })
const orNull = Type.Optional(Type.Union([name, Type.Null()]))
const addonAsked = Type.Object({ addon: name, app: orNull, addon_service: orNull }, closed)
const attachmentAsked = Type.Object({ addon_attachment: name, app: orNull, addon_service: orNull }, closed)

/**
 * What people mean by a word: an id, a name, the name of an attachment, a config var, or the
 * service of the only one there is.
 */
export function resolveRoutes(api: Api, deps: AddonDeps): void {
  const { store } = deps
  api.post('/actions/addons/resolve', { schema: { body: addonAsked } }, (request) => {
    const { addon: key, app: of, addon_service: service } = request.body
    const services = servicesOf(deps)
    const app = appAsked(deps, request, of)
    const seen = app ? addonsCalled(store, app, key) : []
    const everywhere = addonsSeen(store, request).filter((one) => one.name === key || one.id === key)
    const ofService = app ? store.addons.list(app.id).filter((one) => isOf(services, one.service, key)) : []
    const found = [seen, everywhere, ofService].find((some) => some.length > 0) ?? []
    const wanted = found.filter((one) => !service || isOf(services, one.service, service))
    if (wanted.length === 0) throw noAddon(key)
    return wanted.map((addon) => addonJson({ store, services, request }, addon))
  })

  api.post('/actions/addon-attachments/resolve', { schema: { body: attachmentAsked } }, (request) => {
    const { addon_attachment: key, app: of, addon_service: service } = request.body
    const services = servicesOf(deps)
    const app = appAsked(deps, request, of)
    const found = app
      ? attachmentsCalled(store, app, key)
      : attachmentsSeen(store, request).filter(({ id, addonId }) => id === key || addonId === key)
    const wanted = found.filter(
      ({ addonId }) => !service || isOf(services, store.addons.find(addonId)?.service ?? '', service),
    )
    if (wanted.length === 0) throw new PaasError('not_found', `There is no attachment ${JSON.stringify(key)}.`)
    return wanted.map((attachment) => attachmentJson({ store, services, request }, attachment))
  })
}

function appAsked({ store }: AddonDeps, request: FastifyRequest, idOrName: string | null | undefined): App | undefined {
  return idOrName ? appNamed(store, request, { idOrName, needed: 'view' }) : undefined
}

/** By its name or an alias. */
function isOf(services: Service[], name: string, asked: string): boolean {
  return serviceNamed(services, asked)?.name === name
}
