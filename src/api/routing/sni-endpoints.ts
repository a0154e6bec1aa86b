import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { parseCertificate, type Certificate } from '../../model/certificate.ts'
import { mostSniEndpoints, type SniEndpoint } from '../../model/sni-endpoint.ts'
import { appOf } from '../http/access.ts'
import { generateAppName } from '../apps/app-name.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { checkCovers, endpointNamed, fittingEndpoint } from './sni-endpoint-choice.ts'
import { managedEndpoints, sniEndpointJson, type ShownEndpoint } from './sni-endpoint-json.ts'
import { wakeBoth } from './wake-both.ts'

type Deps = Pick<ApiDeps, 'store' | 'config' | 'queue' | 'platformLog' | 'log'>

const given = Type.Object(
  { certificate_chain: Type.String(), private_key: Type.String() },
  { additionalProperties: false },
)

const order = {
  created_at: (endpoint: ShownEndpoint) => endpoint.createdAt.toISOString(),
  name: (endpoint: ShownEndpoint) => endpoint.name,
  id: (endpoint: ShownEndpoint) => endpoint.id,
}

/** Certificates of the users' own for the domains of their apps. */
export function sniEndpointRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const json = (app: App, endpoint: ShownEndpoint) => sniEndpointJson(app, endpoint, store.domains.list(app.id))
  const tell = (app: App, request: FastifyRequest, what: string) =>
    deps.platformLog.api(app.id, `${what} by user ${request.identity.account.email}`)

  api.get('/apps/:app/sni-endpoints', (request, reply) => {
    const app = appOf(store, request)
    const all = [...store.sniEndpoints.list(app.id), ...managedEndpoints(store, app)]
    return page(request, reply, all, order).map((endpoint) => json(app, endpoint))
  })

  api.get('/apps/:app/sni-endpoints/:endpoint', (request) => {
    const app = appOf(store, request)
    return json(app, managedEndpoint(store, app, request) ?? endpointOf(store, app, request))
  })

  api.post('/apps/:app/sni-endpoints', { schema: { body: given } }, async (request, reply) => {
    const app = appOf(store, request)
    const endpoint = create(store, app, certificateIn(request.body))
    tell(app, request, `Add certificate ${endpoint.name}`)
    await wakeBoth(deps, reply, app)
    reply.code(201)
    return json(app, endpoint)
  })

  api.patch('/apps/:app/sni-endpoints/:endpoint', { schema: { body: given } }, async (request, reply) => {
    const app = appOf(store, request)
    const { id, name } = endpointOf(store, app, request)
    const certificate = certificateIn(request.body)
    const domains = store.domains.list(app.id).filter(({ sniEndpointId }) => sniEndpointId === id)
    checkCovers(
      certificate,
      domains.map(({ hostname }) => hostname),
    )
    const changed = store.sniEndpoints.update(id, certificate)
    tell(app, request, `Update certificate ${name}`)
    await wakeBoth(deps, reply, app)
    return json(app, changed)
  })

  api.delete('/apps/:app/sni-endpoints/:endpoint', async (request, reply) => {
    const app = appOf(store, request)
    const endpoint = endpointOf(store, app, request)
    const answer = json(app, endpoint)
    store.sniEndpoints.remove(endpoint.id)
    tell(app, request, `Remove certificate ${endpoint.name}`)
    await wakeBoth(deps, reply, app)
    return answer
  })
}

/**
 * It is used at once for every matching domain without a certificate.
 * @throws invalid_params at the limit
 */
function create(store: Deps['store'], app: App, certificate: Certificate): SniEndpoint {
  return store.transaction(() => {
    const present = store.sniEndpoints.list(app.id)
    if (present.length >= mostSniEndpoints) {
      const message = `${app.name} has ${mostSniEndpoints} certificates, the limit.`
      throw new PaasError('invalid_params', message, { hint: `Remove one with: paas certs:remove -a ${app.name}` })
    }
    const name = nameBeside(present)
    const endpoint = store.sniEndpoints.create({ appId: app.id, name, ...certificate })
    for (const { id, hostname, sniEndpointId } of store.domains.list(app.id)) {
      if (sniEndpointId === null && fittingEndpoint(store, app, hostname)?.id === endpoint.id) {
        store.domains.setSniEndpoint(id, endpoint.id)
      }
    }
    return endpoint
  })
}

function nameBeside(present: SniEndpoint[]): string {
  const name = generateAppName()
  return present.some((endpoint) => endpoint.name === name) ? nameBeside(present) : name
}

/** @throws invalid_params that says what is wrong with it */
function certificateIn(body: { certificate_chain: string; private_key: string }): Certificate {
  const parsed = parseCertificate(body.certificate_chain, body.private_key)
  if ('problem' in parsed) throw new PaasError('invalid_params', parsed.problem)
  return parsed
}

/** @throws not_found, invalid_params for one that comes by itself */
function endpointOf(store: Deps['store'], app: App, request: FastifyRequest): SniEndpoint {
  if (managedEndpoint(store, app, request) !== undefined) {
    throw new PaasError('invalid_params', 'This certificate comes by itself, and is renewed so.', {
      hint: `See them with: paas certs:auto -a ${app.name}. Without them: paas certs:auto:disable -a ${app.name}`,
    })
  }
  return endpointNamed(store, app, (request.params as { endpoint: string }).endpoint)
}

function managedEndpoint(store: Deps['store'], app: App, request: FastifyRequest): ShownEndpoint | undefined {
  const { endpoint: name } = request.params as { endpoint: string }
  return managedEndpoints(store, app).find((endpoint) => endpoint.id === name || endpoint.name === name)
}
