import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { App } from '../../model/app.ts'
import { certificatesIn, namesOf } from '../../model/certificate.ts'
import type { Domain } from '../../model/domain.ts'
import type { SniEndpoint } from '../../model/sni-endpoint.ts'
import type { Store } from '../../store/store.ts'
import { endpointNameOf } from './managed-json.ts'
import { time, uuidOf } from '../http/shapes.ts'

/** One of the user's own, or one that comes by itself, for these hosts. */
export type ShownEndpoint = Omit<SniEndpoint, 'id'> & { id: string; hostnames?: string[] }

/** Those that were issued, as certificates of the app. */
export function managedEndpoints(
  { managedCertificates }: Pick<Store, 'managedCertificates'>,
  app: App,
): ShownEndpoint[] {
  return managedCertificates.list(app.id).flatMap((managed) => {
    const { id, names: hostnames, issued } = managed
    if (issued === null) return []
    const { certificate, issuedAt } = issued
    const dates = { createdAt: managed.createdAt, updatedAt: issuedAt }
    return [{ id, appId: app.id, name: endpointNameOf(managed), certificate, hostnames, ...dates }]
  })
}

/** What Heroku shows of a certificate. Its key is in no answer. */
export function sniEndpointJson(app: App, endpoint: ShownEndpoint, domains: Domain[]): object {
  const { hostnames } = endpoint
  const isFor = ({ sniEndpointId, hostname }: Domain): boolean =>
    hostnames === undefined ? sniEndpointId === endpoint.id : sniEndpointId === null && hostnames.includes(hostname)
  return {
    app: { id: app.id, name: app.name },
    certificate_chain: endpoint.certificate,
    created_at: time(endpoint.createdAt),
    display_name: null,
    domains: domains.filter(isFor).map(({ id }) => id),
    id: endpoint.id,
    name: endpoint.name,
    ssl_cert: { ...certificateJson(endpoint.certificate), acm: hostnames !== undefined },
    updated_at: time(endpoint.updatedAt),
  }
}

function certificateJson(chain: string): object {
  const [own, ...issuers] = certificatesIn(chain).map((pem) => new X509Certificate(pem))
  if (own === undefined) throw new Error('a certificate chain of the record is empty')
  return {
    'ca_signed?': isSignedByKnownAuthority(issuers.at(-1) ?? own),
    cert_domains: namesOf(own),
    expires_at: time(own.validToDate),
    id: uuidOf(`certificate ${own.fingerprint256}`),
    issuer: nameText(own.issuer),
    'self_signed?': own.checkIssued(own),
    starts_at: time(own.validFromDate),
    subject: nameText(own.subject),
  }
}

/** `/C=SE/CN=www.example.com`, as Heroku writes them. */
function nameText(lines: string): string {
  return lines === undefined ? '' : `/${lines.split('\n').join('/')}`
}

/** Whether browsers know who signed this: one of the authorities that Node comes with. */
function isSignedByKnownAuthority(certificate: X509Certificate): boolean {
  return knownAuthorities().some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey))
}

let known: X509Certificate[] | undefined

/** Read at the first question only: there are about 140. */
function knownAuthorities(): X509Certificate[] {
  return (known ??= rootCertificates.map((pem) => new X509Certificate(pem)))
}
