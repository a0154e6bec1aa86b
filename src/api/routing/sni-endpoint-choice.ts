import { X509Certificate } from 'node:crypto'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { isForHost, namesOf } from '../../model/certificate.ts'
import type { SniEndpoint } from '../../model/sni-endpoint.ts'
import type { Store } from '../../store/store.ts'

/** By name or id. @throws not_found */
export function endpointNamed({ sniEndpoints }: Pick<Store, 'sniEndpoints'>, app: App, name: string): SniEndpoint {
  const found = sniEndpoints.list(app.id).find((endpoint) => endpoint.id === name || endpoint.name === name)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no certificate ${JSON.stringify(name.slice(0, 100))}.`, {
    hint: `See them with: paas certs -a ${app.name}`,
  })
}

/** What a domain is given when its user names none: the newest certificate that is for it. */
export function fittingEndpoint(
  { sniEndpoints }: Pick<Store, 'sniEndpoints'>,
  app: App,
  hostname: string,
): SniEndpoint | undefined {
  return sniEndpoints.list(app.id).findLast(({ certificate }) => isForHost(new X509Certificate(certificate), hostname))
}

/** @throws invalid_params when visitors of one of these hosts could not be shown the certificate */
export function checkCovers({ certificate }: Pick<SniEndpoint, 'certificate'>, hostnames: string[]): void {
  const parsed = new X509Certificate(certificate)
  const stray = hostnames.find((hostname) => !isForHost(parsed, hostname))
  if (stray === undefined) return
  throw new PaasError('invalid_params', `The certificate is for ${namesOf(parsed).join(', ')}, not for ${stray}.`)
}
