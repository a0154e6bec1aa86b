import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { mostDomains, parseHostname, type Domain } from '../../model/domain.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import type { DomainProof } from './domain-proof.ts'
import { domainJson, ownDomainJson, targetOf, type ShownDomain } from './domain-json.ts'
import { page } from '../http/page.ts'
import { checkCovers, endpointNamed, fittingEndpoint } from './sni-endpoint-choice.ts'
import { wakeBoth } from './wake-both.ts'

type Deps = Pick<ApiDeps, 'store' | 'config' | 'queue' | 'platformLog' | 'log'> & { proof: DomainProof }

const endpointName = Type.Union([Type.String(), Type.Null()])
const newDomain = Type.Object(
  { hostname: Type.String(), sni_endpoint: Type.Optional(endpointName) },
  { additionalProperties: false },
)
const domainChange = Type.Object({ sni_endpoint: endpointName }, { additionalProperties: false })

const order = { hostname: (domain: ShownDomain) => domain.hostname, id: (domain: ShownDomain) => domain.id }

/** The host names that lead to an app: its own, which stays, and those of the user. */
export function domainRoutes(api: Api, deps: Deps): void {
  const { store, config } = deps
  const json = (app: App, domain: Domain) =>
    domainJson(app, domain, {
      endpoints: store.sniEndpoints.list(app.id),
      managed: store.managedCertificates.list(app.id),
      config,
    })

  api.get('/apps/:app/domains', (request, reply) => {
    const app = appOf(store, request)
    const custom = store.domains.list(app.id).map((domain) => json(app, domain))
    return page<ShownDomain>(request, reply, [ownDomainJson(app, config), ...custom], order)
  })

  api.get('/apps/:app/domains/:domain', (request) => {
    const app = appOf(store, request)
    const domain = domainOf(deps, app, request)
    return domain === 'own' ? ownDomainJson(app, config) : json(app, domain)
  })

  api.post('/apps/:app/domains', { schema: { body: newDomain } }, async (request, reply) => {
    const app = appOf(store, request)
    const hostname = hostnameOf(request.body.hostname, deps)
    await deps.proof.check(app.ownerId, hostname)
    const domain = create(store, app, hostname, request.body.sni_endpoint ?? null)
    deps.platformLog.api(app.id, `Add domain ${hostname} by user ${request.identity.account.email}`)
    await wakeBoth(deps, reply, app)
    reply.code(201)
    return json(app, domain)
  })

  api.patch('/apps/:app/domains/:domain', { schema: { body: domainChange } }, async (request, reply) => {
    const app = appOf(store, request)
    const domain = customDomainOf(deps, app, request)
    const name = request.body.sni_endpoint
    const endpoint = name === null ? undefined : endpointNamed(store, app, name)
    if (endpoint !== undefined) checkCovers(endpoint, [domain.hostname])
    const changed = store.domains.setSniEndpoint(domain.id, endpoint?.id ?? null)
    await wakeBoth(deps, reply, app)
    return json(app, changed)
  })

  api.delete('/apps/:app/domains/:domain', async (request, reply) => {
    const app = appOf(store, request)
    const domain = customDomainOf(deps, app, request)
    const answer = json(app, domain)
    store.domains.remove(domain.id)
    deps.platformLog.api(app.id, `Remove domain ${domain.hostname} by user ${request.identity.account.email}`)
    await wakeBoth(deps, reply, app)
    return answer
  })
}

/** @throws invalid_params that says what is wrong with the name */
function hostnameOf(text: string, { config }: Pick<Deps, 'config'>): string {
  const parsed = parseHostname(text)
  if ('problem' in parsed) throw refused(text, parsed.problem)
  const { hostname } = parsed
  const base = hostname.replace(/^\*\./, '')
  const isServers = base === config.domain || base.endsWith(`.${config.domain}`) || /(^|\.)localhost$/.test(base)
  if (isServers) throw refused(text, `belongs to this server; every app has its own name under ${config.domain}`)
  if (hostname.startsWith('*.') && config.domain.endsWith(`.${base}`)) {
    throw refused(text, 'is too wide: it would match names of this server')
  }
  return hostname
}

/** @throws invalid_params when the domain is taken or the app is at its limit */
function create(store: Deps['store'], app: App, hostname: string, endpointName: string | null): Domain {
  return store.transaction(() => {
    const taken = store.domains.find(hostname)
    if (taken?.appId === app.id) throw refused(hostname, `is a domain of ${app.name} already`)
    if (taken !== undefined || isOfOthers(store, app, hostname)) throw refused(hostname, 'is in use by another app')
    if (store.domains.list(app.id).length >= mostDomains) {
      throw new PaasError('invalid_params', `${app.name} has ${mostDomains} domains, the limit.`, {
        hint: `Remove one with: paas domains:remove -a ${app.name}`,
      })
    }
    const endpoint =
      endpointName === null ? fittingEndpoint(store, app, hostname) : endpointNamed(store, app, endpointName)
    if (endpoint !== undefined) checkCovers(endpoint, [hostname])
    return store.domains.create({ appId: app.id, hostname, sniEndpointId: endpoint?.id ?? null })
  })
}

/**
 * A wildcard and the names below it lead to apps of one owner only: nobody slips in below somebody
 * else's.
 */
function isOfOthers({ domains, apps }: Deps['store'], app: App, hostname: string): boolean {
  return domains.overlapping(hostname).some(({ appId }) => apps.get(appId)?.ownerId !== app.ownerId)
}

/** By host name or id. @throws not_found */
function domainOf(
  { store, config }: Pick<Deps, 'store' | 'config'>,
  app: App,
  request: FastifyRequest,
): Domain | 'own' {
  const { domain: name } = request.params as { domain: string }
  const parsed = parseHostname(name)
  const hostname = 'hostname' in parsed ? parsed.hostname : name
  if (hostname === targetOf(app, config) || name === ownDomainJson(app, config).id) return 'own'
  const found = store.domains.list(app.id).find((domain) => domain.id === name || domain.hostname === hostname)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no domain ${JSON.stringify(name.slice(0, 253))}.`, {
    hint: `See them with: paas domains -a ${app.name}`,
  })
}

/** @throws not_found, invalid_params for the name that every app has */
function customDomainOf(deps: Pick<Deps, 'store' | 'config'>, app: App, request: FastifyRequest): Domain {
  const domain = domainOf(deps, app, request)
  if (domain !== 'own') return domain
  throw refused(targetOf(app, deps.config), "is the app's own name, which cannot be changed")
}

function refused(name: string, reason: string): PaasError {
  return new PaasError('invalid_params', `The domain ${JSON.stringify(name.slice(0, 253))} ${reason}.`)
}
