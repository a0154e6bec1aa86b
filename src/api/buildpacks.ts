import { Type } from 'typebox'
import { packNamed, packNames, type PackName } from '../build/packs.ts'
import { PaasError } from '../errors.ts'
import type { App } from '../model/app.ts'
import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import { page } from './page.ts'
import { named, time } from './shapes.ts'

const updates = Type.Object(
  {
    updates: Type.Array(Type.Object({ buildpack: Type.String({ maxLength: 1000 }) }, { additionalProperties: false }), {
      maxItems: 20,
    }),
  },
  { additionalProperties: false },
)
const since = time(new Date('2026-01-01T00:00:00Z'))
const descriptions: Record<PackName, string> = {
  nodejs: 'Node.js, with npm, Yarn or pnpm',
  python: 'Python, with uv or pip',
  static: 'Static sites, served by nginx',
}

export function buildpackRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.get('/apps/:app/buildpack-installations', (request, reply) =>
    page(request, reply, installations(store, appOf(store, request)), { ordinal: ({ ordinal }) => ordinal }),
  )

  api.put('/apps/:app/buildpack-installations', { schema: { body: updates } }, (request) => {
    const app = appOf(store, request)
    store.buildpacks.replace(app.id, namesOf(request.body.updates.map(({ buildpack }) => buildpack)))
    return installations(store, app)
  })

  api.get<{ Querystring: Record<string, string | string[] | undefined> }>('/buildpacks', (request, reply) => {
    const wanted = Object.values(request.query)
      .flat()
      .map((text) => String(text).toLowerCase())
    const found = packNames.map(buildpackJson).filter(({ name, namespace, description }) => {
      const about = `${namespace} ${name} ${description}`.toLowerCase()
      return wanted.length === 0 || wanted.some((word) => about.includes(word))
    })
    return page(request, reply, found, { name: ({ name }) => name, id: ({ id }) => id })
  })

  api.get<{ Params: { buildpack: string } }>('/buildpacks/:buildpack', ({ params }) => {
    const found = packNames.map(buildpackJson).find(({ id }) => id === params.buildpack)
    return found ?? buildpackJson(known(params.buildpack, 'not_found'))
  })
}

/** @throws invalid_params for one that is not to be had, or is named twice */
function namesOf(given: string[]): PackName[] {
  const names = given.map((text) => known(text, 'invalid_params'))
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new PaasError('invalid_params', `The buildpack ${fullName(twice)} is named twice.`)
  return names
}

function known(text: string, code: 'invalid_params' | 'not_found'): PackName {
  const name = packNamed(text)
  if (name) return name
  throw new PaasError(code, `There is no buildpack ${JSON.stringify(text.slice(0, 200))} on this server.`, {
    hint: `There are: ${packNames.map(fullName).join(', ')}. An app that needs another one can bring a Dockerfile.`,
  })
}

function installations({ buildpacks }: Pick<ApiDeps['store'], 'buildpacks'>, { id }: App) {
  return buildpacks.list(id).map((name, ordinal) => ({
    buildpack: { name: `heroku/${name}`, url: urn(name) },
    ordinal,
  }))
}

/** As Heroku's registry describes one. Its `blob_url` is what clients install; they show the name in it. */
function buildpackJson(name: PackName) {
  const description = descriptions[name]
  return {
    blob_url: urn(name),
    category: 'languages',
    created_at: since,
    description,
    id: named('buildpack', name).id,
    license: 'MIT',
    logo: { small: null },
    name,
    namespace: 'heroku',
    published_status: 'published',
    source: { type: 'server', owner: 'paas', repo: name },
    support: { method: 'unsupported', address: null },
    updated_at: since,
  }
}

function fullName(name: PackName): string {
  return `heroku/${name}`
}

function urn(name: string): string {
  return `urn:buildpack:heroku/${name}`
}
