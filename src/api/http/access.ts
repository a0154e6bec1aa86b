import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import { isAtLeast, type Role } from '../../model/access.ts'
import type { App } from '../../model/app.ts'
import type { Asker } from '../../model/grant.ts'
import type { Store } from '../../store/store.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What a request about an app needs: decided by its method unless the route says so, see
     * `neededRole`.
     */
    role?: Role
  }
}

/**
 * The app of the request's path (`:app`, id or name). One that the account may not see is answered
 * like one that does not exist, so that names of others' apps cannot be probed.
 * @param needed what the account must be to it: what the route says, unless the body of the request
 *   decides
 * @throws app_not_found, forbidden
 */
export function appOf(
  store: Pick<Store, 'apps' | 'collaborators'>,
  request: FastifyRequest,
  needed = neededRole(request),
): App {
  return appNamed(store, request, { idOrName: (request.params as { app: string }).app, needed })
}

/** Likewise for an app that the request names elsewhere. @throws app_not_found, forbidden */
export function appNamed(
  { apps, collaborators }: Pick<Store, 'apps' | 'collaborators'>,
  request: FastifyRequest,
  { idOrName, needed }: { idOrName: string; needed: Role },
): App {
  const app = apps.find(idOrName)
  const role = app && collaborators.roleOf(request.identity.account, app)
  if (!role) throw new PaasError('app_not_found', `There is no app ${JSON.stringify(idOrName)}.`)
  if (isAtLeast(role, needed)) return app
  throw new PaasError('forbidden', `You have the role ${role} for ${app.name}; this needs ${needed}.`, {
    hint: `See who has that role with: paas access -a ${app.name}`,
  })
}

/** The caller, for streams that outlast the request. */
export function askerOf({ identity: { account, token } }: FastifyRequest): Asker {
  return { accountId: account.id, token: token && { id: token.id, fingerprint: token.fingerprint } }
}

/**
 * Runs for every route about an app, before the request is read.
 * @throws app_not_found, forbidden
 */
export function checkRole(store: Pick<Store, 'apps' | 'collaborators'>, request: FastifyRequest): void {
  if ('app' in (request.params as object)) appOf(store, request)
}

/**
 * Reading needs `view`, changing needs `deploy`; routes that need `admin` or show secrets say so.
 */
function neededRole({ method, routeOptions }: FastifyRequest): Role {
  return routeOptions.config.role ?? (method === 'GET' || method === 'HEAD' ? 'view' : 'deploy')
}

/** @throws forbidden */
export function requireAdmin(request: FastifyRequest): void {
  if (request.identity.account.admin) return
  throw new PaasError('forbidden', 'Only an admin account may do this.')
}
