/** Domains, certificates and rules for visitors: the fields that are read. */

/** Not in Heroku's API. */
export type EdgeJson = {
  allow: string[]
  deny: string[]
  users: string[]
  body_bytes: number | null
  answer_seconds: number | null
  idle_seconds: number | null
  protocol: 'http1' | 'h2c'
}

/** Ours: a page of the app's own in place of the router's. */
export type OwnPageJson = {
  kind: 'error' | 'maintenance'
  config_var: string
  status: 'shown' | 'pending' | 'failed'
  bytes: number | null
  fetched_at: string | null
  asked_at: string | null
  problem: string | null
}

/** `password`: one that was made, which is told once. */
export type EdgeUserJson = { name: string; password: string | null }

export type DomainJson = {
  hostname: string
  kind: 'heroku' | 'custom'
  cname: string | null
  status: string
  created_at: string
  sni_endpoint: { id: string; name: string } | null
  acm_status: string | null
  acm_status_reason: string | null
}

export type SniEndpointJson = {
  id: string
  name: string
  ssl_cert: {
    'ca_signed?': boolean
    cert_domains: string[]
    expires_at: string
    issuer: string
    /** It comes by itself. */
    acm: boolean
    starts_at: string
    subject: string
  }
}

/** Ours; null: as is usual. `hsts`: seconds. */
export type HttpsJson = { redirect: boolean | null; hsts: number | null }

/** Ours: a certificate that comes by itself. */
export type ManagedCertificateJson = {
  hostnames: string[]
  status: 'pending' | 'in-progress' | 'cert issued' | 'failing' | 'failed'
  issued_at: string | null
  expires_at: string | null
  renews_at: string | null
  reason: string | null
  next_attempt_at: string | null
}

/** Ours. */
export type ManagedCertificatesJson = { enabled: boolean; available: boolean; certificates: ManagedCertificateJson[] }
