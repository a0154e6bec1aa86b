import type { FastifyRequest } from 'fastify'
import type { Dyno } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import { dynoId, dynoJson } from './dyno-json.ts'
import { page } from './page.ts'

type Deps = Pick<ApiDeps, 'store' | 'engine' | 'queue' | 'platformLog'>

const order = { name: (dyno: Dyno) => dyno.name, id: (dyno: Dyno) => dynoId(dyno) }

/** What runs, asked of the engine at every look. Restarts are the worker's work; nothing is recorded of them. */
export function dynoRoutes(api: Api, deps: Deps): void {
  const { store, engine } = deps

  api.get('/apps/:app/dynos', async (request, reply) => {
    const app = appOf(store, request)
    const dynos = await engine.listDynos({ appId: app.id })
    return page(request, reply, dynos, order).map((dyno) => dynoJson(store, app, dyno))
  })

  api.get('/apps/:app/dynos/:dyno', async (request) => {
    const app = appOf(store, request)
    return dynoJson(store, app, await dynoOf(engine, app, request))
  })

  // A dyno of the formation that is stopped comes back, on Heroku too: stopping one is restarting it.
  for (const [method, path, which] of [
    ['DELETE', '/dynos', async () => null],
    ['DELETE', '/dynos/:dyno', nameOf],
    ['DELETE', '/formations/:type', typeOf],
    ['POST', '/dynos/:dyno/actions/stop', nameOf],
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

async function nameOf({ engine }: Deps, app: App, request: FastifyRequest): Promise<string> {
  return (await dynoOf(engine, app, request)).name
}

async function typeOf({ store }: Deps, app: App, request: FastifyRequest): Promise<string> {
  const { type } = request.params as { type: string }
  if (store.formations.list(app.id).some((formation) => formation.type === type)) return type
  throw new PaasError('not_found', `${app.name} has no process type ${JSON.stringify(type)}.`)
}

/** @throws queue_unavailable: unlike other changes there is nothing in the record that would make it happen later */
async function restart(
  { queue, platformLog }: Deps,
  app: App,
  request: FastifyRequest,
  dyno: string | null,
): Promise<void> {
  await queue.enqueue({ kind: 'restart', appId: app.id, dyno })
  platformLog.api(app.id, `Restart ${dyno ?? 'all dynos'} by user ${request.identity.account.email}`)
}

async function dynoOf(engine: Deps['engine'], app: App, request: FastifyRequest): Promise<Dyno> {
  const { dyno: nameOrId } = request.params as { dyno: string }
  const dynos = await engine.listDynos({ appId: app.id })
  const found = dynos.find((dyno) => dyno.name === nameOrId || dynoId(dyno) === nameOrId)
  if (found) return found
  throw new PaasError('not_found', `${app.name} has no dyno ${JSON.stringify(nameOrId)}.`, {
    hint: `See them with: paas ps -a ${app.name}`,
  })
}
