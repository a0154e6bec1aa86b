import type { Config } from '../../config.ts'
import type { App } from '../../model/app.ts'
import type { Domain } from '../../model/domain.ts'
import type { ManagedCertificate } from '../../model/managed-certificate.ts'
import type { SniEndpoint } from '../../model/sni-endpoint.ts'
import { acmStatus, isManaged } from './managed-json.ts'
import { time, uuidOf } from '../http/shapes.ts'

/** The name that the user's DNS must point a domain to. */
export function targetOf(app: App, { domain }: Pick<Config, 'domain'>): string {
  return `${app.name}.${domain}`
}

/** The name that every app has, in the form of the user's own. */
export function ownDomainJson(app: App, config: Pick<Config, 'domain'>) {
  return {
    acm_status: null as string | null,
    acm_status_reason: null as string | null,
    app: { id: app.id, name: app.name },
    cname: null as string | null,
    created_at: time(app.createdAt),
    hostname: targetOf(app, config),
    id: uuidOf(`domain of ${app.id}`),
    kind: 'heroku' as 'heroku' | 'custom',
    sni_endpoint: null as { id: string; name: string } | null,
    status: 'none',
    updated_at: time(app.createdAt),
  }
}

export type ShownDomain = ReturnType<typeof ownDomainJson>

export function domainJson(
  app: App,
  domain: Domain,
  about: { endpoints: SniEndpoint[]; managed: ManagedCertificate[]; config: Pick<Config, 'domain' | 'acme'> },
) {
  const endpoint = about.endpoints.find(({ id }) => id === domain.sniEndpointId)
  return {
    ...ownDomainJson(app, about.config),
    ...acmStatus(
      about.managed.find(({ name }) => name === domain.hostname),
      { domain, isOn: isManaged(about.config, app) },
    ),
    cname: targetOf(app, about.config),
    created_at: time(domain.createdAt),
    hostname: domain.hostname,
    id: domain.id,
    kind: 'custom',
    sni_endpoint: endpoint === undefined ? null : { id: endpoint.id, name: endpoint.name },
    status: 'succeeded',
    updated_at: time(domain.updatedAt),
  } satisfies ShownDomain
}
