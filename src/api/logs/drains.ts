import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { drainSchemes, mostDrains, nameOf, type Drain } from '../../model/drain.ts'
import { checkDestination } from '../../outbound/destination.ts'
import { destinationOf, parseTarget } from '../../outbound/url.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'platformLog' | 'outbound' | 'log'>

const newDrain = Type.Object({ url: Type.String() }, { additionalProperties: false })

const order = { created_at: (drain: Drain) => drain.createdAt.toISOString(), id: (drain: Drain) => drain.id }

/**
 * Log drains. Their URLs may hold passwords, as on Heroku, so that a token needs the scope for
 * secrets to see them.
 */
export function drainRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const config = { scope: 'protected', role: 'deploy' } as const

  api.get('/apps/:app/log-drains', { config }, (request, reply) => {
    const app = appOf(store, request)
    return page(request, reply, store.drains.list(app.id), order).map((drain) => drainJson(app, drain))
  })

  api.get('/apps/:app/log-drains/:drain', { config }, (request) => {
    const app = appOf(store, request)
    return drainJson(app, drainOf(store, app, request))
  })

  api.post('/apps/:app/log-drains', { config, schema: { body: newDrain } }, async (request, reply) => {
    const app = appOf(store, request)
    const { url } = request.body
    await checkDestination(
      deps.outbound.policy,
      destinationOf(parseTarget(url, 'The URL of a drain', drainSchemes), drainSchemes),
    )
    const drain = create(store, app, url)
    deps.platformLog.api(app.id, `Add drain ${nameOf(drain)} by user ${request.identity.account.email}`)
    await wake(deps, reply, { kind: 'drains', appId: app.id })
    reply.code(201)
    return drainJson(app, drain)
  })

  api.delete('/apps/:app/log-drains/:drain', { config }, async (request, reply) => {
    const app = appOf(store, request)
    const drain = drainOf(store, app, request)
    store.drains.remove(drain.id)
    deps.platformLog.api(app.id, `Remove drain ${nameOf(drain)} by user ${request.identity.account.email}`)
    await wake(deps, reply, { kind: 'drains', appId: app.id })
    return drainJson(app, drain)
  })
}

/** @throws invalid_params when the app has this drain already or is at its limit */
function create(store: Deps['store'], app: App, url: string): Drain {
  return store.transaction(() => {
    const present = store.drains.list(app.id)
    if (present.some((drain) => drain.url === url)) {
      throw new PaasError('invalid_params', `${app.name} has a drain with this URL already.`)
    }
    if (present.length >= mostDrains) {
      throw new PaasError('invalid_params', `${app.name} has ${mostDrains} drains, the limit.`, {
        hint: `Remove one with: paas drains:remove -a ${app.name}`,
      })
    }
    return store.drains.create({ appId: app.id, url })
  })
}

/** By id, token or URL. @throws not_found */
function drainOf({ drains }: Deps['store'], app: App, request: FastifyRequest): Drain {
  const { drain: name } = request.params as { drain: string }
  const found = drains.list(app.id).find(({ id, token, url }) => [id, token, url].includes(name))
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no such drain.`, {
    hint: `See them with: paas drains -a ${app.name}`,
  })
}

function drainJson(app: App, drain: Drain): object {
  return {
    addon: null,
    app: { id: app.id, name: app.name },
    created_at: time(drain.createdAt),
    id: drain.id,
    token: drain.token,
    updated_at: time(drain.updatedAt),
    url: drain.url,
  }
}
