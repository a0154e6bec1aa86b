import type { Token } from '../../model/account.ts'
import { sessionJson } from './authorization-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'

type Params = { Params: { session: string } }

/**
 * The tokens of the account that were made by a login with email and password. `~` is the one of
 * the request; where that is none, Heroku's command reads from `resource` that there is nothing to
 * log out of.
 */
export function sessionRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const config = { scope: 'global' } as const

  api.get('/oauth/sessions', { config }, (request, reply) => {
    const sessions = store.tokens.list(request.identity.account.id).filter(({ session }) => session)
    return page(request, reply, sessions, { id: (token: Token) => token.id }).map(sessionJson)
  })

  // Heroku has no such thing: wherever one logged in with email and password, one is logged out.
  api.delete('/oauth/sessions', { config }, (request) => {
    store.tokens.removeSessions(request.identity.account.id, null)
    return {}
  })

  api.delete<Params>('/oauth/sessions/:session', { config }, (request, reply) => {
    const { account, token: present } = request.identity
    const id = request.params.session === '~' ? present?.id : request.params.session
    const found = store.tokens.list(account.id).find((token) => token.session && token.id === id)
    if (!found) {
      const message = `You have no session ${JSON.stringify(request.params.session)}.`
      return reply.code(404).send({ id: 'not_found', message, resource: 'session' })
    }
    store.tokens.remove(found.id)
    return sessionJson(found)
  })
}
