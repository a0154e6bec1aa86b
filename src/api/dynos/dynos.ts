import type { PresentDyno } from './dyno-json.ts'
import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { dynoNamed, presentDynos } from './present-dynos.ts'

type Deps = Pick<ApiDeps, 'store' | 'containers' | 'queue' | 'platformLog' | 'config'>

const order = { name: ({ name }: PresentDyno) => name, id: ({ id }: PresentDyno) => id }

/** What runs, and its restarts: the worker's work, of which nothing is recorded. */
export function dynoRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/dynos', async (request, reply) => {
    const app = appOf(store, request)
    return page(request, reply, await presentDynos(deps, app), order).map(({ json }) => json())
  })

  api.get('/apps/:app/dynos/:dyno', async (request) => {
    const app = appOf(store, request)
    return (await dynoOf(deps, app, request)).json()
  })

  // As on Heroku, a stopped dyno of the formation comes back: stopping it means restarting it.
  for (const [method, path, which] of [
    ['DELETE', '/dynos', async () => null],
    ['DELETE', '/dynos/:dyno', nameOrTypeOf],
    ['DELETE', '/formations/:type', typeOf],
    ['POST', '/dynos/:dyno/actions/stop', nameOrTypeOf],
    ['POST', '/formations/:type/actions/stop', typeOf],
  ] as const) {
    api.route({
      method,
      url: `/apps/:app${path}`,
      handler: async (request, reply) => {
        const app = appOf(store, request)
        await restart(deps, app, request, await which(deps, app, request))
        reply.code(202)
        return {}
      },
    })
  }
}

/**
 * Where one dyno is named, Heroku takes a process type for all of its dynos:
 * `heroku ps:restart worker`.
 */
async function nameOrTypeOf(deps: Deps, app: App, request: FastifyRequest): Promise<string> {
  const { dyno } = request.params as { dyno: string }
  return hasType(deps, app, dyno) ? dyno : (await dynoOf(deps, app, request)).name
}

async function typeOf(deps: Deps, app: App, request: FastifyRequest): Promise<string> {
  const { type } = request.params as { type: string }
  if (hasType(deps, app, type)) return type
  throw new PaasError('not_found', `${app.name} has no process type ${JSON.stringify(type)}.`)
}

function hasType({ store }: Deps, app: App, type: string): boolean {
  return store.formations.list(app.id).some((formation) => formation.type === type)
}

/**
 * @throws queue_unavailable: unlike other changes there is nothing in the database that would make
 *   it happen later
 */
async function restart(
  { queue, platformLog }: Deps,
  app: App,
  request: FastifyRequest,
  dyno: string | null,
): Promise<void> {
  await queue.enqueue({ kind: 'restart', appId: app.id, dyno })
  platformLog.api(app.id, `Restart ${dyno ?? 'all dynos'} by user ${request.identity.account.email}`)
}

function dynoOf(deps: Deps, app: App, request: FastifyRequest): Promise<PresentDyno> {
  return dynoNamed(deps, app, (request.params as { dyno: string }).dyno)
}
