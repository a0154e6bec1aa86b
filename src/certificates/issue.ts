import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { AcmeSettings } from '../acme-settings.ts'
import type { Logger } from '../log.ts'
import { isForHost, parseCertificate } from '../model/certificate.ts'
import type { ManagedCertificate } from '../model/managed-certificate.ts'
import type { Store } from '../store/store.ts'
import type { AuthorityFacts, Challenge, ChallengeType, Issued } from './acme/order.ts'
import { checkAuthority } from './check-authority.ts'
import { leadsHere, type LeadsHereDeps } from './leads-here.ts'
import { handshakeName, isWildcard, urlHost } from './names.ts'
import { placeOrder } from './place-order.ts'
import { proveByDns } from './prove-by-dns.ts'
import { recordSetter } from './records/record-setter.ts'
import { CertificateTrouble } from './trouble.ts'
import { addressesName } from './wanted.ts'

export type IssueDeps = Omit<LeadsHereDeps, 'settings'> & {
  store: Pick<Store, 'apps' | 'managedCertificates'>
  settings: AcmeSettings
  log: Pick<Logger, 'warn'>
  /** What the authority says of itself. @throws AuthorityError */
  facts: () => Promise<AuthorityFacts>
}

/** Let's Encrypt certifies addresses for some days only, under this profile. */
const profileOfAddresses = 'shortlived'

/**
 * Gets a certificate: looks whether its names lead here, then orders it, and holds what comes to
 * what was ordered.
 * @throws CertificateTrouble, AuthorityError, router_unavailable, the signal's reason
 */
export async function issue(
  deps: IssueDeps,
  managed: ManagedCertificate,
  signal: AbortSignal,
): Promise<{ certificate: string; key: string }> {
  const facts = await deps.facts()
  const profile = profileFor(deps, managed, facts)
  const authority = new URL(deps.settings.directory).host
  await checkAuthority(deps.dns, managed.names, { authority, facts, profile })
  const challenge = await challengeFor(deps, managed)
  await using shown = new AsyncDisposableStack()
  const present = async (challenges: Challenge[]): Promise<void> => {
    if (challenge === 'dns-01') shown.use(await proveByDns(dnsDeps(deps, signal), challenges))
    else shown.use(await deps.proofs.show(proofsOf(challenges)))
  }
  return checked(await placeOrder(deps, { managed, challenge, profile, present, signal }), managed.names)
}

function profileFor({ settings }: IssueDeps, { name }: ManagedCertificate, facts: AuthorityFacts): string | undefined {
  if (name === addressesName && facts.profiles?.includes(profileOfAddresses)) return profileOfAddresses
  return settings.profile
}

/** Only DNS proves wildcards; who can set records has no need of ports that are open to all. */
async function challengeFor(deps: IssueDeps, managed: ManagedCertificate): Promise<ChallengeType> {
  const { settings } = deps
  const { name, names, appId } = managed
  const isProvable = settings.dns !== undefined && name !== addressesName
  if (isProvable && (appId === null || names.some(isWildcard))) return 'dns-01'
  if (names.some(isWildcard)) {
    const why = 'which the operator of this server has not set up (PAAS_ACME_DNS)'
    throw new CertificateTrouble('refused', `${name} can be proven by DNS only, ${why}.`)
  }
  if (!settings.check) return 'http-01'
  const app = appId === null ? undefined : deps.store.apps.get(appId)
  const target = app === undefined ? deps.domain : `${app.name}.${deps.domain}`
  const ways = await Promise.all(names.map((one) => leadsHere(deps, one, target)))
  return ways.includes('tls-alpn-01') ? 'tls-alpn-01' : 'http-01'
}

function dnsDeps({ dns, settings, log }: IssueDeps, signal: AbortSignal): Parameters<typeof proveByDns>[0] {
  if (settings.dns === undefined) throw new Error('nobody sets records')
  return { dns, records: recordSetter(settings.dns), log, signal }
}

function proofsOf(challenges: Challenge[]): Parameters<LeadsHereDeps['proofs']['show']>[0] {
  return {
    http: challenges.flatMap(({ type, name, token, value }) =>
      type === 'http-01' ? [{ host: urlHost(name), token, answer: value }] : [],
    ),
    tls: challenges.flatMap(({ name, identity }) => (identity ? [{ host: handshakeName(name), ...identity }] : [])),
  }
}

/** An authority that makes a mistake, or lies, takes no certificate away that serves. */
function checked(issued: Issued, names: string[]): { certificate: string; key: string } {
  const parsed = parseCertificate(issued.certificate, issued.key, { mayLackHosts: true })
  if ('problem' in parsed) throw useless(parsed.problem)
  const own = new X509Certificate(parsed.certificate)
  const stray = names.find((name) => (isIP(name) ? own.checkIP(name) === undefined : !isForHost(own, name)))
  if (stray !== undefined) throw useless(`It is not for ${stray}.`)
  return parsed
}

function useless(problem: string): CertificateTrouble {
  return new CertificateTrouble('authority', `The authority issued a certificate that cannot be used. ${problem}`)
}
