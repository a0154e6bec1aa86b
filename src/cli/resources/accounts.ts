/** Accounts, what they log in with, and what they did: the fields that are read. */

/** `admin` is ours. */
export type AccountJson = {
  id: string
  email: string
  name: string | null
  admin: boolean
  suspended_at: string | null
}

export type KeyJson = { id: string; public_key: string; fingerprint: string; comment: string }

export type AuthorizationJson = {
  id: string
  description: string
  scope: string[]
  created_at: string
  session: { id: string } | null
  access_token: { token: string; expires_in: number | null } | null
  user: { email: string }
}

/** Ours: who did what, as it was hashed, and its hash. */
export type AuditEntryJson = {
  sequence: number
  created_at: string
  action: string
  account: { id: string; email: string } | null
  via: string
  token: string | null
  client: string | null
  app: { id: string; name: string } | null
  resource: string | null
  detail: Record<string, unknown>
  failure: string | null
  previous: string
  hash: string
}

/** Ours. */
export type AuditVerdictJson = {
  start: { sequence: number; hash: string }
  head: { sequence: number; hash: string }
  entries: number
  broken: { sequence: number; reason: string } | null
}

/** Ours. */
export type TwoFactorJson = { enabled: boolean; recovery_codes_left: number }

/** Ours. */
export type NewTwoFactorJson = { secret: string; url: string }
