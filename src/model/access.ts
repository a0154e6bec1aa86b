/** What an account may be to an app, from least to most; each may do what those before it may. */
const roles = ['view', 'deploy', 'admin', 'owner'] as const
export type Role = (typeof roles)[number]
/** What may be given; the owner is given by a transfer only. */
export type GivenRole = Exclude<Role, 'owner'>

export function isAtLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}

/** Heroku's permissions on an app, and the least role that has each. */
export const permissions = {
  view: { role: 'view', description: 'Can see the app, its log and its releases.' },
  deploy: { role: 'deploy', description: 'Can push, build, roll back, and see and change config vars.' },
  operate: { role: 'deploy', description: 'Can scale, restart and run dynos, and turn maintenance mode on and off.' },
  manage: { role: 'admin', description: 'Can rename and destroy the app, and manage access to it.' },
} as const satisfies Record<string, { role: GivenRole; description: string }>
export type Permission = keyof typeof permissions

export function permissionsOf(role: Role): Permission[] {
  return (Object.keys(permissions) as Permission[]).filter((name) => isAtLeast(role, permissions[name].role))
}

/**
 * Heroku's scopes of a token, and what each lets it do. Protected are config vars and releases;
 * `global` lets it do all.
 */
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
