import type { Domain } from '../model/domain.ts'
import type { AppId, DomainId, SniEndpointId } from '../model/ids.ts'
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
