import type { Config } from '../../config.ts'
import type { Account } from '../../model/account.ts'
import { linkLife, linkScope } from '../../model/login-link.ts'
import type { Store } from '../../store/store.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { time } from '../http/shapes.ts'

type Deps = { store: Pick<Store, 'tokens'>; config: Pick<Config, 'publicUrl'> }

/**
 * `POST /account/login-links`: a link that logs a browser in as the account, once and soon. Heroku
 * has no such thing: there one logs in in the browser first.
 */
export function loginLinkRoute(api: Api, deps: Pick<ApiDeps, 'store' | 'config'>): void {
  api.post('/account/login-links', { config: { scope: 'global' } }, ({ identity }, reply) => {
    const { url, expiresAt } = createLoginLink(deps, identity.account)
    reply.code(201)
    return { expires_at: time(expiresAt), url }
  })
}

/** The account's links before it are good for nothing any more. */
export function createLoginLink(
  { store, config }: Deps,
  { id }: Pick<Account, 'id'>,
): { url: string; expiresAt: Date } {
  for (const token of store.tokens.list(id)) if (token.scope.includes(linkScope)) store.tokens.remove(token.id)
  const expiresAt = new Date(Date.now() + linkLife)
  const { secret } = store.tokens.create({
    accountId: id,
    description: 'Link to the dashboard',
    scope: [linkScope],
    expiresAt,
  })
  return { url: `${config.publicUrl}/dashboard/welcome?key=${secret}`, expiresAt }
}
