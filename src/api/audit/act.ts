import type { FastifyRequest } from 'fastify'
import type { Act } from '../../model/audit.ts'
import { clientNetwork } from '../../model/client-network.ts'
import type { Store } from '../../store/store.ts'
import { clientAddress } from '../accounts/identity.ts'
import { detailOf, nameIn } from './detail.ts'

/** Requests with these methods may change something. */
const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** But these only look. */
const looking = new Set([
  'POST /apps/:app/log-sessions',
  'POST /actions/addons/resolve',
  'POST /actions/addon-attachments/resolve',
])
/** Where method and path would say something else than what is done. */
const named: Record<string, string> = {
  'POST /oauth/authorizations': 'authorizations.create',
  'DELETE /apps/:app/dynos': 'dynos.restart',
  'DELETE /apps/:app/dynos/:dyno': 'dynos.restart',
  'DELETE /apps/:app/formations/:type': 'dynos.restart',
  'POST /apps/:app/formations/:type/actions/stop': 'dynos.stop',
  'DELETE /apps/:app/builds/:build': 'builds.cancel',
}
const verbs: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'destroy' }

/** What a request is about to do; undefined when it only looks. */
export function actOf(store: Pick<Store, 'apps' | 'tokens'>, request: FastifyRequest): Act | undefined {
  const { method, routeOptions, identity } = request
  const route = `${method} ${routeOptions.url}`
  if (!changing.has(method) || looking.has(route)) return undefined
  const { app: inPath, ...others } = request.params as Record<string, string>
  const inBody = inPath ?? nameIn(request.body, 'app')
  const app = inBody === undefined ? undefined : store.apps.find(inBody)
  const token = identity.token && store.tokens.find(identity.token.id)
  const resource = Object.values(others).map(withoutPassword)
  return {
    action: identity.token === null ? 'login' : actionOf(route),
    account: { id: identity.account.id, email: identity.account.email },
    via: token ? (token.session ? 'session' : 'token') : 'password',
    token: identity.token?.id ?? null,
    client: clientNetwork(clientAddress(request)) || null,
    app: app ? { id: app.id, name: app.name } : null,
    resource: resource.length > 0 ? resource.join(' ') : null,
    detail: detailOf(route, request.body, request.query),
  }
}

/**
 * A drain may be named by its address, which may have a password: of that only the host is written.
 */
function withoutPassword(name: string): string {
  return name.includes('://') && URL.canParse(name) ? new URL(name).host : name
}

/** `PATCH /apps/:app/config-vars` is `config-vars.update`, `POST …/actions/stop` is `….stop`. */
export function actionOf(route: string): string {
  const known = named[route]
  if (known !== undefined) return known
  const [method = '', url = ''] = route.split(' ')
  const words = url.split('/').filter((word) => word !== '' && !word.startsWith(':') && !/^v\d+$/.test(word))
  const at = words.indexOf('actions')
  if (at > 0) return `${words[at - 1]}.${words[at + 1]}`
  return `${words.at(-1)}.${verbs[method]}`
}
