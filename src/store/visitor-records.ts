import type { Domain } from '../model/domain.ts'
import type { AppId, DomainId, ManagedCertificateId, SniEndpointId } from '../model/ids.ts'
import type { IssuedCertificate, ManagedCertificate, ManagedState } from '../model/managed-certificate.ts'
import type { SniEndpoint } from '../model/sni-endpoint.ts'

/** Names that lead visitors to an app. */
export interface DomainRecords {
  create(domain: Pick<Domain, 'appId' | 'hostname' | 'sniEndpointId'>): Domain
  /** Of any app. */
  find(hostname: string): Domain | undefined
  /** Sorted by name. */
  list(appId: AppId): Domain[]
  /** Of all apps: the wildcards above a host name, or what is below a wildcard. */
  overlapping(hostname: string): Domain[]
  setSniEndpoint(id: DomainId, sniEndpointId: SniEndpointId | null): Domain
  remove(id: DomainId): void
}

/** Certificates that visitors are shown, and their keys. */
export interface SniEndpointRecords {
  create(endpoint: Pick<SniEndpoint, 'appId' | 'name' | 'certificate'> & { key: string }): SniEndpoint
  /** Oldest first. */
  list(appId: AppId): SniEndpoint[]
  update(id: SniEndpointId, change: { certificate: string; key: string }): SniEndpoint
  /** PEM. Only what puts it into the router asks for it. */
  key(endpoint: SniEndpoint): string
  /** Its domains are left without a certificate. */
  remove(id: SniEndpointId): void
}

/** Certificates that the server gets by itself, and who it is for those that issue them. */
export interface ManagedCertificateRecords {
  /** Due at once, unless there is one of that name. */
  add(certificate: Pick<ManagedCertificate, 'name' | 'names' | 'appId'>): void
  find(name: string): ManagedCertificate | undefined
  /** By name; of an app, or the server's own. Without those that rest. */
  list(appId: AppId | null): ManagedCertificate[]
  /** Those that are due first, first. */
  listAll(): ManagedCertificate[]
  /** PEM; undefined while none was issued. Only what puts it into the router asks for it. */
  key(certificate: ManagedCertificate): string | undefined
  /** It is shown from now on, in the place of the one before. */
  issue(id: ManagedCertificateId, issued: IssuedCertificate & { key: string }, nextAt: Date): void
  setRenewal(id: ManagedCertificateId, renewAt: Date, nextAt: Date): void
  setState(id: ManagedCertificateId, state: ManagedState, next: { failures: number; nextAt: Date }): void
  remove(id: ManagedCertificateId): void
  /** At an authority, by the URL of its directory. */
  account(directory: string): AcmeAccount | undefined
  saveAccount(directory: string, account: AcmeAccount): void
}

/** `key`: PEM. `url`: null until the authority gave one. */
type AcmeAccount = { url: string | null; key: string }
