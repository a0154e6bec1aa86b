import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { AuditEntry } from '../../model/audit.ts'
import type { AuditFilter } from '../../store/audit-records.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf, requireAdmin } from '../http/access.ts'

/** Entries in one answer. */
const usualLimit = 100
const largestLimit = 1000

const word = Type.Optional(Type.String({ maxLength: 254 }))
const number = Type.Optional(Type.String({ pattern: '^\\d{1,15}$' }))
const filter = Type.Object(
  {
    account: word,
    action: word,
    client: word,
    since: word,
    until: word,
    after: number,
    before: number,
    limit: number,
  },
  { additionalProperties: false },
)

type Query = { Querystring: Static<typeof filter> }

/**
 * Who did what: of an app for all who may see it, of the server for admins. Heroku has no such API.
 */
export function auditRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const { audit } = store
  const schema = { querystring: filter }

  api.get<Query>('/apps/:app/audit-entries', { schema }, (request) => {
    const { id: appId } = appOf(store, request)
    return audit.list({ ...filterOf(request.query), appId }, limitOf(request)).map(entryJson)
  })

  api.get<Query>('/audit-entries', { schema, config: { scope: 'global' } }, (request) => {
    requireAdmin(request)
    return audit.list(filterOf(request.query), limitOf(request)).map(entryJson)
  })

  api.get('/audit-verdict', { config: { scope: 'global' } }, (request) => {
    requireAdmin(request)
    return audit.verify()
  })
}

/** As it was hashed, with the hash behind. */
function entryJson({ text, hash }: AuditEntry): object {
  return { ...(JSON.parse(text) as object), hash }
}

function limitOf({ query }: FastifyRequest<Query>): number {
  return Math.min(largestLimit, Number(query.limit ?? usualLimit))
}

/** @throws invalid_params */
function filterOf({ account, action, client, since, until, after, before }: Static<typeof filter>): AuditFilter {
  return {
    ...(account === undefined ? {} : { email: account }),
    ...(action === undefined ? {} : { action }),
    ...(client === undefined ? {} : { client }),
    ...(since === undefined ? {} : { since: timeIn('since', since) }),
    ...(until === undefined ? {} : { until: timeIn('until', until) }),
    ...(after === undefined ? {} : { after: Number(after) }),
    ...(before === undefined ? {} : { before: Number(before) }),
  }
}

/** @throws invalid_params */
function timeIn(name: string, given: string): Date {
  const time = new Date(given)
  if (!Number.isNaN(time.getTime())) return time
  throw new PaasError(
    'invalid_params',
    `${name} is ${JSON.stringify(given)}; it must be a time, as 2026-11-27T10:00:00Z.`,
  )
}
