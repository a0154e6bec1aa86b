import { Type } from 'typebox'
import type { AnyPack } from '../build/detect.ts'
import { createPackPolicy, isPackUrl, parsePackUrl } from '../build/pack-url.ts'
import { packNamed } from '../build/packs.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import type { AddressPolicy } from '../outbound/addresses.ts'
import { checkDestination } from '../outbound/destination.ts'
import { httpSchemes } from '../outbound/post.ts'
import { destinationOf } from '../outbound/url.ts'
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

/** @throws invalid_params, address_forbidden for one that is not to be had, or is named twice */
export async function packsNamed(asked: string[], policy: AddressPolicy): Promise<AnyPack[]> {
  const packs = asked.map((text) => packOf(text, policy))
  refuseRepetition(packs)
  const destinations = packs.filter(isPackUrl).map((pack) => destinationOf(new URL(pack), httpSchemes))
  await Promise.all(destinations.map((destination) => checkDestination(policy, destination)))
  return packs
}

function packOf(text: string, policy: AddressPolicy): AnyPack {
  const ours = packNamed(text)
  if (ours) return ours
  return isPackUrl(text) ? parsePackUrl(text, policy) : knownPack(text, 'invalid_params')
}

function refuseRepetition(packs: AnyPack[]): void {
  const twice = packs.find((pack, index) => packs.indexOf(pack) !== index)
  if (twice) throw new PaasError('invalid_params', `The buildpack ${nameAndUrl(twice).name} is named twice.`)
}

function installations({ buildpacks }: Pick<ApiDeps['store'], 'buildpacks'>, { id }: App) {
  return buildpacks.list(id).map((pack, ordinal) => ({ buildpack: nameAndUrl(pack), ordinal }))
}

/** One that has only an address is called by it, as on Heroku. */
function nameAndUrl(pack: string): { name: string; url: string } {
  return isPackUrl(pack) ? { name: pack, url: pack } : { name: packFullName(pack), url: packUrn(pack) }
}
