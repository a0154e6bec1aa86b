import type { AppId, SniEndpointId } from './ids.ts'

/** A certificate of the user's own, with its key, for some of an app's domains. */
export type SniEndpoint = {
  id: SniEndpointId
  appId: AppId
  /** Unique in its app. */
  name: string
  /** PEM: the certificate, then those between it and an authority. */
  certificate: string
  createdAt: Date
  updatedAt: Date
}

export const mostSniEndpoints = 20
