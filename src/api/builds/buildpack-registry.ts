import { packFacts, packNamed, packNames, type PackName } from '../../build/packs.ts'
import { PaasError } from '../../errors.ts'
import type { Api } from '../deps.ts'
import { page } from '../http/page.ts'
import { named, time } from '../http/shapes.ts'

type OfOne = { Params: { buildpack: string } }
type Search = { Querystring: Record<string, string | string[] | undefined> }

const since = time(new Date('2026-01-01T00:00:00Z'))
const license = 'MIT'

/**
 * What Heroku's registry of buildpacks tells anybody, of those that this server has. Heroku's
 * command asks it without a token.
 */
export function buildpackRegistryRoutes(api: Api): void {
  const all = packNames.map(buildpackJson)

  api.get<Search>('/buildpacks', (request, reply) => {
    const words = Object.values(request.query).flatMap((text) => String(text).toLowerCase())
    const found = all.filter(({ name, namespace, description }) => {
      const about = `${namespace} ${name} ${description}`.toLowerCase()
      return words.length === 0 || words.some((word) => about.includes(word))
    })
    return page(request, reply, found, { name: ({ name }) => name, id: ({ id }) => id })
  })

  api.get<OfOne>('/buildpacks/:buildpack', ({ params }) => {
    return all.find(({ id }) => id === params.buildpack) ?? buildpackJson(knownPack(params.buildpack, 'not_found'))
  })

  api.get<OfOne>('/buildpacks/:buildpack/revisions', ({ params }) => {
    const { id } = named('buildpack revision', knownPack(params.buildpack, 'not_found'))
    return [{ created_at: since, id, license, release: 1, status: 'published', updated_at: since }]
  })

  api.get<OfOne>('/buildpacks/:buildpack/readme', ({ params }) => {
    const content = `${packFacts[knownPack(params.buildpack, 'not_found')].description}.\n`
    return { content: Buffer.from(content).toString('base64'), encoding: 'base64' }
  })
}

/** @throws the given code, if there is no such buildpack */
export function knownPack(text: string, code: 'invalid_params' | 'not_found'): PackName {
  const name = packNamed(text)
  if (name) return name
  const which = text === '' ? 'no buildpack of that name' : `no buildpack ${JSON.stringify(text.slice(0, 200))}`
  throw new PaasError(code, `There is ${which} on this server.`, {
    hint: `Available: ${packNames.map(packFullName).join(', ')}. Name a third-party buildpack by its https URL.`,
  })
}

export function packFullName(name: string): string {
  return `heroku/${name}`
}

/** What clients install, and show the name in. */
export function packUrn(name: string): string {
  return `urn:buildpack:heroku/${name}`
}

function buildpackJson(name: PackName) {
  return {
    blob_url: packUrn(name),
    category: 'languages',
    created_at: since,
    description: packFacts[name].description,
    id: named('buildpack', name).id,
    license,
    logo: { small: null },
    name,
    namespace: 'heroku',
    published_status: 'published',
    source: { type: 'server', owner: 'paas', repo: name },
    support: { method: 'unsupported', address: null },
    updated_at: since,
  }
}
