import type { Dyno } from '../engine/engine.ts'
import { routeEdgeOf } from '../model/edge.ts'
import type { App } from '../model/app.ts'
import type { ManagedCertificate } from '../model/managed-certificate.ts'
import type { AppRoute, HostCertificate, Target } from '../model/route.ts'
import { isAlone } from '../model/volume.ts'
import type { Store } from '../store/store.ts'

export type RouteDeps = {
  store: Pick<Store, 'domains' | 'edges' | 'ownPages' | 'sniEndpoints' | 'managedCertificates' | 'volumes'>
  domain: string
}

/**
 * Where an app's requests go.
 * @param ready its web dynos that answer
 * @param wantsWeb whether any web dyno should run
 * @param soon one comes: where it is one that is never doubled, requests wait for it
 */
export function routeFor(
  { store, domain }: RouteDeps,
  app: App,
  { ready, wantsWeb, soon = false }: { ready: Dyno[]; wantsWeb: boolean; soon?: boolean },
): AppRoute {
  const targets = app.maintenance ? [] : ready.flatMap(targetOf)
  const hosts = [`${app.name}.${domain}`, ...store.domains.list(app.id).map(({ hostname }) => hostname)]
  const certificates = certificatesOf(store, app)
  const patient = isAlone(store.volumes.list(app.id), 'web')
  const https = httpsOf(app)
  const edge = routeEdgeOf(store.edges.of(app.id), { affinity: app.features.includes('http-session-affinity') })
  const pages = pagesOf(store, app)
  const marks = { ...(patient && { patient }), ...(https && { https }), ...(edge && { edge }), ...(pages && { pages }) }
  const route = { appId: app.id, app: app.name, hosts, state: stateOf(), targets, ...marks }
  return certificates.length === 0 ? route : { ...route, certificates }

  function stateOf(): AppRoute['state'] {
    if (app.maintenance) return 'maintenance'
    if (targets.length > 0) return 'up'
    if (app.currentReleaseId === null) return 'blank'
    if (wantsWeb && soon && patient) return 'held'
    return wantsWeb ? 'crashed' : 'down'
  }
}

function pagesOf({ ownPages }: Pick<Store, 'ownPages'>, { id }: App): AppRoute['pages'] {
  const shown = ownPages.list(id).flatMap(({ kind, shown }) => (shown === null ? [] : [[kind, shown.content] as const]))
  return shown.length === 0 ? undefined : Object.fromEntries(shown)
}

function httpsOf({ https: { redirect, hsts } }: App): AppRoute['https'] {
  if (redirect === null && hsts === null) return undefined
  return { ...(redirect !== null && { redirect }), ...(hsts !== null && { hsts }) }
}

/** Those of users come first: they are chosen. */
function certificatesOf(
  { domains, sniEndpoints, managedCertificates }: RouteDeps['store'],
  app: App,
): HostCertificate[] {
  const own = domains.list(app.id)
  const chosen = sniEndpoints.list(app.id).flatMap((endpoint) => {
    const hosts = own.filter(({ sniEndpointId }) => sniEndpointId === endpoint.id).map(({ hostname }) => hostname)
    return hosts.length === 0 ? [] : [{ hosts, certificate: endpoint.certificate, key: sniEndpoints.key(endpoint) }]
  })
  return [...chosen, ...managedCertificates.list(app.id).flatMap((one) => shownCertificate(managedCertificates, one))]
}

/** As it is shown to visitors; none until it is issued. */
export function shownCertificate(
  records: Pick<RouteDeps['store']['managedCertificates'], 'key'>,
  managed: ManagedCertificate,
): HostCertificate[] {
  const key = records.key(managed)
  if (managed.issued === null || key === undefined) return []
  const { certificate, endsAt } = managed.issued
  return [{ hosts: managed.names, certificate, key, until: endsAt.getTime() }]
}

function targetOf({ id, name, release, address, port }: Dyno): Target[] {
  if (address === undefined || port === undefined) return []
  return [{ id, dyno: name, release, host: address, port }]
}
