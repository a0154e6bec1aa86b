import type { FastifyRequest } from 'fastify'
import { PaasError } from '../errors.ts'

/** Heroku's scopes and what each includes. Protected are config vars and releases; `global` includes all. */
const included = {
  global: [],
  identity: ['identity'],
  read: ['identity', 'read'],
  write: ['identity', 'read', 'write'],
  'read-protected': ['identity', 'read', 'read-protected'],
  'write-protected': ['identity', 'read', 'write', 'read-protected', 'write-protected'],
} as const satisfies Record<string, readonly string[]>

export type Scope = keyof typeof included
export const scopes = Object.keys(included) as Scope[]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request needs: decided by its method unless the route says so. `protected` needs the protected variant. */
    scope?: 'protected' | 'identity' | 'global'
  }
}

/** @throws forbidden when the token of the request does not allow it */
export function checkScope(request: FastifyRequest): void {
  const needed = neededScope(request)
  const granted = request.identity.scope
  if (granted.includes('global')) return
  if (granted.some((scope) => (included[scope as Scope] as readonly string[] | undefined)?.includes(needed))) return
  throw new PaasError('forbidden', `This needs a token with the scope ${needed}; this one has ${granted.join(', ')}.`)
}

function neededScope(request: FastifyRequest): Scope {
  const { scope } = request.routeOptions.config
  if (scope === 'identity' || scope === 'global') return scope
  const access = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write'
  return scope === 'protected' ? `${access}-protected` : access
}
