import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { lockFile } from '../../lock.ts'
import type { issueCertificate } from './authority.ts'
import { callInProcess } from './authority-process.ts'
import { readIdentity, readIfThere, saveIdentity, saveWhole, type TlsIdentity } from './identity.ts'

const day = 86_400_000
/** Days. Browsers accept 398 of a server's certificate. */
const lifetime = { authority: 3_653, certificate: 397 }
/** What is left of a certificate when it is replaced, milliseconds. */
const renewal = 30 * day
/** Milliseconds to wait for another process that is making the same identity. */
const patience = 20_000

type OwnConfig = Pick<Config, 'paths' | 'domain'>

/**
 * The server's own certificate: for its domain, the names right below it and this machine, signed
 * by an authority of the server's own. A missing or expiring one, or one for another domain, is
 * created and saved: the keys readable only for this user, the authority's certificate for
 * everyone.
 */
export async function openOwnIdentity(config: OwnConfig): Promise<TlsIdentity> {
  const saved = await savedIdentity(config)
  if (saved !== undefined) return saved
  using lock = await lockFile(join(config.paths.tls, 'lock'), { wait: AbortSignal.timeout(patience) })
  if (lock === undefined) throw new Error(`another process is making the certificates in ${config.paths.tls}`)
  return (await savedIdentity(config)) ?? (await makeIdentity(config))
}

/**
 * Whether the server's own certificate does for the apps' names too: clients let no wildcard stand
 * for all of a domain that is only one label, such as `*.localhost` (curl's hostcheck.c, RFC 6125
 * section 7.2).
 */
export function coversApps(domain: string): boolean {
  return domain.includes('.')
}

/**
 * Certificates for these hosts, one each, by the server's own authority, in a process of its own.
 */
export async function issueForHosts(
  { paths }: Pick<Config, 'paths'>,
  hosts: string[],
  days: number,
): Promise<TlsIdentity[]> {
  const authority = await readIdentity(paths.tlsAuthorityKey)
  if (authority === undefined) throw new Error(`no authority in ${paths.tlsAuthorityKey}`)
  const names = hosts.map((host) => [host])
  return callInProcess({ name: 'issueCertificates', args: [authority, { names, days }] })
}

/** @returns undefined unless all is there, belongs together and lasts */
async function savedIdentity({ paths, domain }: OwnConfig): Promise<TlsIdentity | undefined> {
  const authority = await readIdentity(paths.tlsAuthorityKey)
  const identity = await readIdentity(paths.tlsCertificate)
  if (authority === undefined || identity === undefined) return undefined
  const issuer = new X509Certificate(authority.certificate)
  const own = new X509Certificate(identity.certificate)
  const published = (await readIfThere(paths.tlsAuthority)) === authority.certificate
  const usable = own.verify(issuer.publicKey) && lasts(own, renewal) && isFor(own, domain)
  return published && usable ? identity : undefined
}

async function makeIdentity({ paths, domain }: OwnConfig): Promise<TlsIdentity> {
  let authority = await readIdentity(paths.tlsAuthorityKey)
  if (authority === undefined || !mayIssue(new X509Certificate(authority.certificate), domain)) {
    const options = { name: authorityName(domain), names: roots(domain), days: lifetime.authority }
    authority = await callInProcess({ name: 'createAuthority', args: [options] })
    await saveIdentity(paths.tlsAuthorityKey, authority)
  }
  await saveWhole(paths.tlsAuthority, authority.certificate, 0o644)
  const names = [...roots(domain), `*.${domain}`]
  const args: Parameters<typeof issueCertificate> = [authority, { names, days: lifetime.certificate }]
  const identity = await callInProcess({ name: 'issueCertificate', args })
  await saveIdentity(paths.tlsCertificate, identity)
  return identity
}

function roots(domain: string): string[] {
  return [...new Set([domain, 'localhost', '127.0.0.1', '::1'])]
}

function authorityName(domain: string): string {
  return `paas authority of ${domain}`
}

function mayIssue(authority: X509Certificate, domain: string): boolean {
  const sameDomain = authority.subject.split('\n').includes(`CN=${authorityName(domain)}`)
  return sameDomain && lasts(authority, lifetime.certificate * day)
}

function lasts(certificate: X509Certificate, milliseconds: number): boolean {
  return (
    certificate.validFromDate.getTime() <= Date.now() && certificate.validToDate.getTime() > Date.now() + milliseconds
  )
}

function isFor(certificate: X509Certificate, domain: string): boolean {
  const wildcard = certificate.subjectAltName?.includes(`DNS:*.${domain}`)
  return (
    wildcard === true &&
    roots(domain).every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
  )
}
