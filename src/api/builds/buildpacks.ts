import { Type } from 'typebox'
import { createPackPolicy } from '../../build/pack-url.ts'
import type { App } from '../../model/app.ts'
import { appOf } from '../http/access.ts'
import { mostPacks, nameAndUrl, packsNamed } from './packs-named.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'

/**
 * Heroku's command leaves the buildpack out when the registry does not know it: it deserves to be
 * told why.
 */
const update = Type.Object(
  { buildpack: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)
const updates = Type.Object({ updates: Type.Array(update, { maxItems: mostPacks }) }, { additionalProperties: false })

export function buildpackRoutes(api: Api, { store, config }: Pick<ApiDeps, 'store' | 'config'>): void {
  const policy = createPackPolicy(config)

  api.get('/apps/:app/buildpack-installations', (request, reply) => {
    const installed = installations(store, appOf(store, request))
    return page(request, reply, installed, { ordinal: ({ ordinal }) => ordinal })
  })

  api.put('/apps/:app/buildpack-installations', { schema: { body: updates } }, async (request) => {
    const app = appOf(store, request)
    const asked = request.body.updates.map(({ buildpack = '' }) => buildpack)
    store.buildpacks.replace(app.id, await packsNamed(asked, policy))
    return installations(store, app)
  })
}

function installations({ buildpacks }: Pick<ApiDeps['store'], 'buildpacks'>, { id }: App) {
  return buildpacks.list(id).map((pack, ordinal) => ({ buildpack: nameAndUrl(pack), ordinal }))
}
