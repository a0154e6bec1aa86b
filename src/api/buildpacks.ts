import { Type } from 'typebox'
import type { PackName } from '../build/packs.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { appOf } from './access.ts'
import { knownPack, packFullName, packUrn } from './buildpack-registry.ts'
import type { Api, ApiDeps } from './deps.ts'
import { page } from './page.ts'

/** Heroku's command leaves the buildpack out when the registry does not know it: it deserves to be told why. */
const update = Type.Object(
  { buildpack: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)
const updates = Type.Object({ updates: Type.Array(update, { maxItems: 20 }) }, { additionalProperties: false })

export function buildpackRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.get('/apps/:app/buildpack-installations', (request, reply) => {
    const installed = installations(store, appOf(store, request))
    return page(request, reply, installed, { ordinal: ({ ordinal }) => ordinal })
  })

  api.put('/apps/:app/buildpack-installations', { schema: { body: updates } }, (request) => {
    const app = appOf(store, request)
    store.buildpacks.replace(app.id, namesOf(request.body.updates.map(({ buildpack = '' }) => buildpack)))
    return installations(store, app)
  })
}

/** @throws invalid_params for one that is not to be had, or is named twice */
function namesOf(given: string[]): PackName[] {
  const names = given.map((text) => knownPack(text, 'invalid_params'))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new PaasError('invalid_params', `The buildpack ${packFullName(twice)} is named twice.`)
  return names
}

function installations({ buildpacks }: Pick<ApiDeps['store'], 'buildpacks'>, { id }: App) {
  return buildpacks.list(id).map((name, ordinal) => ({
    buildpack: { name: packFullName(name), url: packUrn(name) },
    ordinal,
  }))
}
