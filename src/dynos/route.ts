import type { Dyno } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { AppRoute, HostCertificate, Target } from '../model/route.ts'
import { isAlone } from '../model/volume.ts'
import type { Store } from '../store/store.ts'

export type RouteDeps = { store: Pick<Store, 'domains' | 'sniEndpoints' | 'volumes'>; domain: string }

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
  const route = { appId: app.id, app: app.name, hosts, state: stateOf(), targets, ...(patient && { patient }) }
  return certificates.length === 0 ? route : { ...route, certificates }

  function stateOf(): AppRoute['state'] {
    if (app.maintenance) return 'maintenance'
    if (targets.length > 0) return 'up'
    if (app.currentReleaseId === null) return 'blank'
    if (wantsWeb && soon && patient) return 'held'
    return wantsWeb ? 'crashed' : 'down'
  }
}

function certificatesOf({ domains, sniEndpoints }: RouteDeps['store'], app: App): HostCertificate[] {
  const own = domains.list(app.id)
  return sniEndpoints.list(app.id).flatMap((endpoint) => {
    const hosts = own.filter(({ sniEndpointId }) => sniEndpointId === endpoint.id).map(({ hostname }) => hostname)
    return hosts.length === 0 ? [] : [{ hosts, certificate: endpoint.certificate, key: sniEndpoints.key(endpoint) }]
  })
}

function targetOf({ id, name, release, address, port }: Dyno): Target[] {
  if (address === undefined || port === undefined) return []
  return [{ id, dyno: name, release, host: address, port }]
}
