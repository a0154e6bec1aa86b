import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Account } from '../../model/account.ts'
import { limited, type Limited, type Quota } from '../../model/quota.ts'
import { requireAdmin } from '../http/access.ts'
import { accountNamed } from '../apps/collaborators.ts'
import type { Api, ApiDeps } from '../deps.ts'

type Deps = Pick<ApiDeps, 'store' | 'quotas'>

/** A number; `off`: no limit; null: the server's. */
const limit = Type.Optional(
  Type.Union([Type.Integer({ minimum: 0, maximum: 1 << 24 }), Type.Literal('off'), Type.Null()]),
)
const change = Type.Object(
  {
    apps: limit,
    dynos: limit,
    builds: limit,
    builds_per_hour: limit,
    one_offs: limit,
    repository_mib: limit,
  } satisfies Record<Limited, typeof limit>,
  { additionalProperties: false, minProperties: 1 },
)

/**
 * Limits and usage of an account: your own to read, any account's for admins to set. Heroku has no
 * such endpoint.
 */
export function accountLimitRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const path = '/accounts/:account/limits'
  const config = { scope: 'global' } as const

  api.get('/account/limits', { config: { scope: 'identity' } }, (request) => limitsJson(deps, request.identity.account))

  api.get(path, { config }, (request) => limitsJson(deps, accountOf(store, request)))

  api.patch(path, { config, schema: { body: change } }, (request) => {
    const account = accountOf(store, request)
    store.accountUsage.give(account.id, changed(store.accountUsage.given(account.id), request.body))
    return limitsJson(deps, account)
  })
}

function changed(given: Partial<Quota>, asked: Static<typeof change>): Partial<Quota> {
  const next = { ...given }
  for (const what of limited) {
    const wanted = asked[what]
    if (wanted === null) delete next[what]
    else if (wanted !== undefined) next[what] = wanted === 'off' ? null : wanted
  }
  return next
}

/** @throws forbidden for all but admins, not_found */
function accountOf(store: Deps['store'], request: FastifyRequest): Account {
  requireAdmin(request)
  return accountNamed(store, (request.params as { account: string }).account)
}

async function limitsJson({ store, quotas }: Deps, account: Account): Promise<object> {
  const { quota, used: inRecord } = quotas.of(account)
  const used = { ...inRecord, repository_mib: await quotas.repositoryMiB(account.id) }
  const given = store.accountUsage.given(account.id)
  const one = (what: Limited): object => ({ limit: quota[what], used: used[what], given: given[what] !== undefined })
  return Object.fromEntries(limited.map((what) => [what, one(what)]))
}
