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
import { sniEndpointJson } from './sni-endpoint-json.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'platformLog' | 'log'>

const given = Type.Object(
  { certificate_chain: Type.String(), private_key: Type.String() },
  { additionalProperties: false },
)

const order = {
  created_at: (endpoint: SniEndpoint) => endpoint.createdAt.toISOString(),
  name: (endpoint: SniEndpoint) => endpoint.name,
  id: (endpoint: SniEndpoint) => endpoint.id,
}

/** Certificates of the users' own for the domains of their apps. */
export function sniEndpointRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const json = (app: App, endpoint: SniEndpoint) => sniEndpointJson(app, endpoint, store.domains.list(app.id))
  const tell = (app: App, request: FastifyRequest, what: string) =>
    deps.platformLog.api(app.id, `${what} by user ${request.identity.account.email}`)

  api.get('/apps/:app/sni-endpoints', (request, reply) => {
    const app = appOf(store, request)
    return page(request, reply, store.sniEndpoints.list(app.id), order).map((endpoint) => json(app, endpoint))
  })

  api.get('/apps/:app/sni-endpoints/:endpoint', (request) => {
    const app = appOf(store, request)
    return json(app, endpointOf(store, app, request))
  })

  api.post('/apps/:app/sni-endpoints', { schema: { body: given } }, async (request, reply) => {
    const app = appOf(store, request)
    const endpoint = create(store, app, certificateIn(request.body))
    tell(app, request, `Add certificate ${endpoint.name}`)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
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
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return json(app, changed)
  })

  api.delete('/apps/:app/sni-endpoints/:endpoint', async (request, reply) => {
    const app = appOf(store, request)
    const endpoint = endpointOf(store, app, request)
    const answer = json(app, endpoint)
    store.sniEndpoints.remove(endpoint.id)
    tell(app, request, `Remove certificate ${endpoint.name}`)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return answer
  })

  for (const method of ['POST', 'PATCH', 'DELETE'] as const) {
    api.route({ method, url: '/apps/:app/acm', handler: refuseToAutomate })
  }
}

/** @throws invalid_params always, with an alternative */
function refuseToAutomate(): never {
  throw new PaasError(
    'invalid_params',
    'This server does not request certificates (there is no ACME); it uses those that you add.',
    {
      hint: 'Add one with: paas certs:add CERTIFICATE KEY',
    },
  )
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

function endpointOf(store: Deps['store'], app: App, request: FastifyRequest): SniEndpoint {
  return endpointNamed(store, app, (request.params as { endpoint: string }).endpoint)
}
