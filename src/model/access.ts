import type { Account } from './account.ts'
import type { App } from './app.ts'

/** The one rule of who may see, push to and change an app. */
export function mayUse(account: Account, app: App): boolean {
  return account.admin || app.ownerId === account.id
}

/** Heroku's scopes of a token, and what each lets it do. Protected are config vars and releases; `global` lets it do all. */
const included = {
  global: ['global', 'identity', 'read', 'write', 'read-protected', 'write-protected'],
  identity: ['identity'],
  read: ['identity', 'read'],
  write: ['identity', 'read', 'write'],
  'read-protected': ['identity', 'read', 'read-protected'],
  'write-protected': ['identity', 'read', 'write', 'read-protected', 'write-protected'],
} as const satisfies Record<string, readonly string[]>

export type Scope = keyof typeof included
export const scopes = Object.keys(included) as Scope[]

/** True when any of the scopes that were granted includes the one needed. */
export function isAllowed(granted: string[], needed: Scope): boolean {
  return granted.some((scope) => (included[scope as Scope] as readonly string[] | undefined)?.includes(needed))
}
