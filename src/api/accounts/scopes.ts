import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import { isAllowed, type Scope } from '../../model/access.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a request needs: decided by its method unless the route says so. `protected` needs the
     * protected variant.
     */
    scope?: 'protected' | 'identity' | 'global'
  }
}

/** @throws forbidden when the token of the request does not allow it */
export function checkScope(request: FastifyRequest): void {
  const needed = neededScope(request)
  const granted = request.identity.scope
  if (isAllowed(granted, needed)) return
  throw new PaasError('forbidden', `This needs a token with the scope ${needed}; this one has ${granted.join(', ')}.`)
}

function neededScope(request: FastifyRequest): Scope {
  const { scope } = request.routeOptions.config
  if (scope === 'identity' || scope === 'global') return scope
  const access = request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write'
  return scope === 'protected' ? `${access}-protected` : access
}
