import type { FastifyRequest } from 'fastify'
import { PaasError } from '../errors.ts'
import { mayUse } from '../model/access.ts'
import type { App } from '../model/app.ts'
import type { Store } from '../store/store.ts'

/**
 * The app of the request's path (`:app`, id or name). One that the account may not use is answered like one that
 * does not exist, so that names of others' apps cannot be probed. @throws app_not_found
 */
export function appOf({ apps }: Pick<Store, 'apps'>, request: FastifyRequest): App {
  const { app: idOrName } = request.params as { app: string }
  const app = apps.find(idOrName)
  if (app && mayUse(request.identity.account, app)) return app
  throw new PaasError('app_not_found', `There is no app ${JSON.stringify(idOrName)}.`)
}

/** @throws forbidden */
export function requireAdmin(request: FastifyRequest): void {
  if (request.identity.account.admin) return
  throw new PaasError('forbidden', 'Only an admin account may do this.')
}
