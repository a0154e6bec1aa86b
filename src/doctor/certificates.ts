import { promises as dns } from 'node:dns'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { AcmeSettings } from '../acme-settings.ts'
import type { Config } from '../config.ts'
import type { Finding } from '../model/finding.ts'
import type { CertificatesOnRecord, ManagedCertificate } from '../model/managed-certificate.ts'
import { findAuthority } from './authority.ts'
import { findingsOf } from './findings.ts'

const certificates = findingsOf('certificates')
/** Milliseconds until a connection is taken. */
const patience = 3_000
/** Certificates whose trouble is told one by one. */
const mostTold = 5
const day = 86_400_000

type Examined = Pick<Config, 'acme' | 'domain'>
type ReadRecord = () => CertificatesOnRecord | undefined

/** Whether certificates come by themselves, what there is, and what keeps others from coming. */
export async function findCertificates({ acme, domain }: Examined, readRecord: ReadRecord): Promise<Finding[]> {
  if (acme === undefined) {
    const isOwn = domain === 'localhost' || domain.endsWith('.localhost')
    if (isOwn) return [certificates.good(`none are requested, which ${domain} has no need of`)]
    return [
      certificates.warning('none are requested: browsers warn of this server', 'Set PAAS_ACME_EMAIL: docs/tls.md'),
    ]
  }
  const record = readRecord() ?? { managed: [], accounts: [] }
  const [authority, ports] = await Promise.all([findAuthority(acme, record.accounts), findWayIn(acme, domain)])
  return [...authority, ...ports, sayHow(acme, domain), ...judgeCertificates(record.managed, Date.now())]
}

function sayHow({ dns: setter }: AcmeSettings, domain: string): Finding {
  if (setter === undefined) return certificates.good('names of apps get theirs on demand, when first asked for')
  const by = setter.kind === 'exec' ? setter.program : `updates of ${setter.host}:${setter.port}`
  return certificates.good(`names of apps have one for *.${domain}, proven by ${by}`)
}

/** @param now milliseconds since 1970 */
export function judgeCertificates(managed: ManagedCertificate[], now: number): Finding[] {
  const wanted = managed.filter(({ state }) => state.kind !== 'resting')
  const troubled = wanted.filter(({ state }) => state.kind === 'failing')
  const told = troubled.slice(0, mostTold).map((one) => judgeFailing(one, now))
  const more = troubled.length - told.length
  const rest =
    more > 0 ? [certificates.warning(`${more} more are failing`, 'See each app’s: paas certs:auto -a APP')] : []
  return [...told, ...rest, ...sumUp(wanted.filter(({ issued }) => issued !== null && issued.endsAt.getTime() > now))]
}

function judgeFailing({ name, state, issued, nextAt }: ManagedCertificate, now: number): Finding {
  const problem = state.kind === 'failing' ? state.problem.replace(/\.$/, '') : ''
  const next = `Tried again at ${nextAt.toISOString()}; then see docs/tls.md, "When there is no certificate"`
  const left = issued === null ? 0 : issued.endsAt.getTime() - now
  const has = left > 0 ? `has one until ${dateOf(issued!.endsAt)}` : 'has none'
  const is = `${name} ${has}: ${problem}`
  return left > 7 * day ? certificates.warning(is, next) : certificates.bad(is, next)
}

/** The server's own one by one, those of apps together. */
function sumUp(issued: ManagedCertificate[]): Finding[] {
  const own = issued.filter(({ appId }) => appId === null)
  const apps = issued.filter(({ appId }) => appId !== null)
  const [next] = apps.toSorted((a, b) => Number(a.issued!.renewAt) - Number(b.issued!.renewAt))
  return [
    ...own.map((one) => certificates.good(`${one.name} is issued ${timesOf(one)}`)),
    ...(next ? [certificates.good(`${apps.length} of apps; renewed next: ${next.name}, ${timesOf(next)}`)] : []),
  ]
}

function timesOf({ issued }: ManagedCertificate): string {
  return `until ${dateOf(issued!.endsAt)}, renewed ${dateOf(issued!.renewAt)}`
}

function dateOf(time: Date): string {
  return time.toISOString().slice(0, 10)
}

/** As the authority comes: to the addresses that DNS has. From here, that is a hint only. */
async function findWayIn({ nameServers, ports }: AcmeSettings, domain: string): Promise<Finding[]> {
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 })
  if (nameServers.length > 0) resolver.setServers(nameServers)
  const found = [resolver.resolve4(domain), resolver.resolve6(domain)].map((one) => one.catch((): string[] => []))
  const addresses = (await Promise.all(found)).flat().slice(0, 4)
  const asked = addresses.flatMap((address) => [ports.http, ports.tls].map((port) => ({ address, port })))
  const closed = (await Promise.all(asked.map(async (one) => ((await accepts(one)) ? [] : [one])))).flat()
  if (addresses.length === 0) return [] // what DNS says is another finding
  if (closed.length === 0) {
    const at = `${addresses.join(', ')}, ports ${ports.http} and ${ports.tls}`
    return [certificates.good(`the way of the authority is open from here (${at})`)]
  }
  const advice = 'Open both ports to everybody: in the firewall of this machine, and of its provider.'
  const where = closed.map(({ address, port }) => `port ${port} of ${address}`).join(', ')
  return [certificates.warning(`nothing takes a connection at ${where}, seen from here`, advice)]
}

async function accepts({ address, port }: { address: string; port: number }): Promise<boolean> {
  const socket = connect({ host: address, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(patience) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
