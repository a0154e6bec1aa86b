import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Api, ApiDeps } from '../deps.ts'
import type { Route } from '../http/routes.ts'

/** Heroku's own schema, of the resources that there are here: see LICENSE.md there. */
const file = join(import.meta.dirname, '../heroku/platform-api.schema.json')

type Link = { method: string; href: string }
type Definition = { links?: Link[] }
type Document = { definitions: Record<string, Definition> }

/**
 * `GET /schema`, without a token, as on Heroku: its JSON hyper-schema, with the calls only that
 * this server takes. What clients are generated from.
 */
export function schemaRoute(
  api: Api,
  { config, routes }: Pick<ApiDeps, 'config'> & { routes: readonly Route[] },
): void {
  let text: string | undefined
  api.get('/schema', (_request, reply) => {
    text ??= JSON.stringify(subset(JSON.parse(readFileSync(file, 'utf8')) as Document, routes, config.publicUrl))
    return reply.type('application/schema+json; charset=utf-8').send(text)
  })
}

function subset(document: Document, routes: readonly Route[], url: string): object {
  const taken = new Set(routes.map((route) => callOf(route.method, route.url.replaceAll(/:\w+|~/g, '*'))))
  const isTaken = ({ method, href }: Link): boolean => taken.has(callOf(method, href.replaceAll(/\{[^{}]*\}/g, '*')))
  const definitions = Object.entries(document.definitions).map(([name, definition]): [string, Definition] => [
    name,
    definition.links ? { ...definition, links: definition.links.filter(isTaken) } : definition,
  ])
  const resources = definitions.filter(([, { links = [] }]) => links.length > 0).map(([name]) => name)
  return {
    ...document,
    title: 'Platform API',
    description: "The part of Heroku's Platform API that this server has.",
    id: `${url}/schema`,
    links: [{ href: url, rel: 'self' }],
    definitions: Object.fromEntries(definitions),
    properties: Object.fromEntries(resources.map((name) => [name, { $ref: `#/definitions/${name}` }])),
  }
}

function callOf(method: string, path: string): string {
  return `${method} ${path}`
}
