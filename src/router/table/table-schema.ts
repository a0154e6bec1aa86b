import type { AppRoute, HostCertificate, RoutingTable, Target } from '../../model/route.ts'

const states = ['up', 'blank', 'down', 'crashed', 'maintenance', 'held'] satisfies AppRoute['state'][]

/** Checks what comes from the disk or the control socket. */
export function isRoutingTable(value: unknown): value is RoutingTable {
  const { controlHost, controlSocket, routes } = (value ?? {}) as Partial<RoutingTable>
  return isText(controlHost) && isText(controlSocket) && Array.isArray(routes) && routes.every(isAppRoute)
}

export function isAppRoute(value: unknown): value is AppRoute {
  const { appId, app, hosts, certificates, state, targets, standby, patient } = (value ?? {}) as Partial<AppRoute>
  return (
    isText(appId) &&
    isText(app) &&
    isTextList(hosts) &&
    hosts.every((host) => host === host.toLowerCase()) &&
    (certificates === undefined || (Array.isArray(certificates) && certificates.every(isCertificate))) &&
    states.some((known) => known === state) &&
    isTargetList(targets) &&
    (standby === undefined || isTargetList(standby)) &&
    (patient === undefined || patient === true)
  )
}

export function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}

function isCertificate(value: unknown): value is HostCertificate {
  const { hosts, certificate, key } = (value ?? {}) as Partial<HostCertificate>
  return isTextList(hosts) && isText(certificate) && isText(key)
}

function isTargetList(value: unknown): value is Target[] {
  return Array.isArray(value) && value.every(isTarget)
}

function isTarget(value: unknown): value is Target {
  const { id, dyno, release, host, port } = (value ?? {}) as Partial<Target>
  return isText(id) && isText(dyno) && Number.isInteger(release) && isText(host) && Number.isInteger(port)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
