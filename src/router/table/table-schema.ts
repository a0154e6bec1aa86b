import type { EdgeUser, RouteEdge } from '../../model/edge.ts'
import type { RoutePages } from '../../model/own-page.ts'
import type { AppRoute, HostCertificate, Proofs, RoutingTable, Target } from '../../model/route.ts'

const states = ['up', 'blank', 'down', 'crashed', 'maintenance', 'held'] satisfies AppRoute['state'][]

/** Checks what comes from the disk or the control socket. */
export function isRoutingTable(value: unknown): value is RoutingTable {
  const { controlHost, controlSocket, routes, certificates } = (value ?? {}) as Partial<RoutingTable>
  return (
    isText(controlHost) &&
    isText(controlSocket) &&
    Array.isArray(routes) &&
    routes.every(isAppRoute) &&
    isCertificateList(certificates)
  )
}

export function isProofs(value: unknown): value is Proofs {
  const { http, tls, onDemand } = (value ?? {}) as Partial<Proofs>
  const answers =
    Array.isArray(http) && http.every((one) => isText(one.host) && isText(one.token) && isText(one.answer))
  const shown = Array.isArray(tls) && tls.every((one) => isText(one.host) && isText(one.certificate) && isText(one.key))
  return answers && shown && typeof onDemand === 'boolean'
}

export function isAppRoute(value: unknown): value is AppRoute {
  const { appId, app, hosts, certificates, https, state, targets, standby, patient, edge, pages } = (value ??
    {}) as Partial<AppRoute>
  return (
    isText(appId) &&
    isText(app) &&
    isTextList(hosts) &&
    hosts.every((host) => host === host.toLowerCase()) &&
    isCertificateList(certificates) &&
    isHttps(https) &&
    states.some((known) => known === state) &&
    isTargetList(targets) &&
    (standby === undefined || isTargetList(standby)) &&
    (patient === undefined || patient === true) &&
    (edge === undefined || isRouteEdge(edge)) &&
    (pages === undefined || isRoutePages(pages))
  )
}

function isRoutePages(value: unknown): boolean {
  const { error, maintenance } = (value ?? {}) as RoutePages
  return [error, maintenance].every((content) => content === undefined || /^[\da-f]{64}$/.test(content))
}

function isRouteEdge(value: unknown): value is RouteEdge {
  const { allow = ['-'], deny = ['-'], users = [], affinity, protocol, ...limits } = (value ?? {}) as RouteEdge
  const isUser = ({ name, salt, hash }: Partial<EdgeUser>): boolean => [name, salt, hash].every(isText)
  return (
    isTextList(allow) &&
    isTextList(deny) &&
    Array.isArray(users) &&
    users.every(isUser) &&
    (affinity === undefined || affinity) &&
    (protocol === undefined || protocol === 'h2c') &&
    [limits.bodyBytes, limits.answerMs, limits.idleMs].every((limit) => limit === undefined || limit >= 0)
  )
}

export function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}

function isHttps(value: unknown): boolean {
  if (value === undefined) return true
  const { redirect, hsts } = (value ?? {}) as NonNullable<AppRoute['https']>
  return [undefined, true, false].includes(redirect) && (hsts === undefined || Number.isInteger(hsts))
}

function isCertificateList(value: unknown): value is HostCertificate[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every(isCertificate))
}

function isCertificate(value: unknown): value is HostCertificate {
  const { hosts, certificate, key, until } = (value ?? {}) as Partial<HostCertificate>
  return isTextList(hosts) && isText(certificate) && isText(key) && (until === undefined || Number.isFinite(until))
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
