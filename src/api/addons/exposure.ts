import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Addon } from '../../model/addon.ts'
import type { Service } from '../../model/service.ts'
import { serviceCalled } from '../../services/asked.ts'
import { exposeAddon, outsideUrl } from '../../services/expose.ts'
import type { Api } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { wake } from '../http/wake.ts'
import { checkReady } from './data.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { addonOf, isThere } from './find.ts'

const asked = Type.Object(
  { networks: Type.Array(Type.String({ maxLength: 60 }), { maxItems: 100 }) },
  { additionalProperties: false },
)
const nothing = Type.Optional(Type.Object({}, { additionalProperties: false }))

/**
 * Our own addition: a database is reached from outside, with TLS, where its owner says from where.
 */
export function exposureRoutes(api: Api, deps: AddonDeps): void {
  const { store, config, platformLog } = deps
  const options = { config: { scope: 'protected', role: 'admin' } } as const
  const of = (request: FastifyRequest): { addon: Addon; service: Service } => {
    const addon = addonOf(store, request, 'admin')
    return { addon, service: serviceCalled(servicesOf(deps), addon.service) }
  }
  const told = ({ id, name }: Addon, service: Service) => {
    const exposed = store.addons.find(id)?.exposed ?? null
    const secrets = store.addons.secrets(id)
    return {
      id,
      name,
      exposed: exposed && {
        host: config.domain,
        networks: exposed.networks,
        port: exposed.port,
        url: outsideUrl(service, exposed, { domain: config.domain, secrets }),
      },
    }
  }

  api.get('/apps/:app/exposures', (request) =>
    store.addons
      .list(appOf(store, request).id)
      .filter(isThere)
      .flatMap(({ name, exposed }) => (exposed ? [{ name, ...exposed }] : [])),
  )

  api.get('/addons/:addon/exposure', { config: { scope: 'protected' } }, (request) => {
    const { addon, service } = of(request)
    return told(addon, service)
  })

  api.post('/addons/:addon/actions/expose', { ...options, schema: { body: asked } }, async (request, reply) => {
    const { addon, service } = of(request)
    checkReady(addon)
    const { networks, port } = exposeAddon({ store, config }, { addon, service }, request.body.networks)
    const { email } = request.identity.account
    platformLog.api(addon.appId, `${addon.name} opened at port ${port} to ${networks.join(', ')} by user ${email}`)
    await wake(deps, reply, { kind: 'addons' })
    return told(addon, service)
  })

  api.post('/addons/:addon/actions/unexpose', { ...options, schema: { body: nothing } }, async (request, reply) => {
    const { addon, service } = of(request)
    if (addon.exposed) {
      store.addons.setExposed(addon.id, null)
      platformLog.api(addon.appId, `${addon.name} closed to the outside by user ${request.identity.account.email}`)
    }
    await wake(deps, reply, { kind: 'addons' })
    return told(addon, service)
  })
}
