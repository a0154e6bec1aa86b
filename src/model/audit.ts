import { createHash } from 'node:crypto'
import type { AccountId, AppId, TokenId } from './ids.ts'

/** How somebody was known: `server` is the server itself, `none` who failed to log in. */
type AuditVia = 'password' | 'session' | 'token' | 'git' | 'server' | 'none'

/** Facts of an act that are no secrets: names and numbers. */
export type AuditDetail = Record<string, string | number | boolean | null | string[]>

/** Who does what from where, before it is done. */
export type Act = {
  /** `config-vars.update`: what of, and the verb. */
  action: string
  /** null: nobody who is known, or the server. */
  account: { id: AccountId; email: string } | null
  via: AuditVia
  token: TokenId | null
  /** The network of the client, see `clientNetwork`; null for the server. */
  client: string | null
  app: { id: AppId; name: string } | null
  /** What of it, by the name or id in the request: a domain, an email. */
  resource: string | null
  detail: AuditDetail
}

/** An act as it is in the audit log. */
export type AuditEntry = Act & {
  /** From 1, without a gap. */
  sequence: number
  at: Date
  /** The code of the error that it ended with after it had changed something; null: none. */
  failure: string | null
  /** The hash of the entry before. */
  previous: string
  /** What is hashed, as it is stored. */
  text: string
  hash: string
}

/** Where a log ends or begins: an entry's number and hash. */
export type AuditPlace = { sequence: number; hash: string }

/** What was found by looking through the whole log. */
export type AuditVerdict = {
  /** Where the oldest entry that is kept follows on. */
  start: AuditPlace
  /** The newest entry that is as it should be. */
  head: AuditPlace
  /** How many are as they should be. */
  entries: number
  /** The first entry that is not as it should be, and why. */
  broken: { sequence: number; reason: string } | null
}

/** What the server does by itself. */
export function serverAct(action: string, detail: AuditDetail = {}): Act {
  return { action, account: null, via: 'server', token: null, client: null, app: null, resource: null, detail }
}

/** Entries that are kept; see docs/audit.md. */
export const mostAuditEntries = 100_000

/** Characters of all details of an entry. */
const longestDetail = 2000
const longestText = 300

/**
 * The text that is hashed and stored: JSON without spaces, its names in this order. It is the line
 * that `paas audit --json` prints, but for the hash at its end.
 */
export function auditText(entry: Omit<AuditEntry, 'hash' | 'text'>): string {
  const { account, app, client, resource } = entry
  return JSON.stringify({
    sequence: entry.sequence,
    created_at: entry.at.toISOString(),
    action: entry.action,
    account: account && { id: account.id, email: cut(account.email) },
    via: entry.via,
    token: entry.token,
    client: client && cut(client),
    app: app && { id: app.id, name: app.name },
    resource: resource && cut(resource),
    detail: bounded(entry.detail),
    failure: entry.failure,
    previous: entry.previous,
  })
}

/** SHA-256 in hexadecimal, of the text as UTF-8. */
export function auditHash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** As much of the details as an entry may have; `more` says that there were others. */
function bounded(detail: AuditDetail): AuditDetail {
  if (JSON.stringify(detail).length <= longestDetail) return detail
  const kept: AuditDetail = {}
  let left = longestDetail
  for (const [key, value] of Object.entries(detail)) {
    const short = Array.isArray(value) ? value.slice(0, 20).map(cut) : typeof value === 'string' ? cut(value) : value
    left -= JSON.stringify({ [cut(key)]: short }).length
    if (left < 0) return { ...kept, more: true }
    kept[cut(key)] = short
  }
  return kept
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`
}
