import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import { requireAdmin } from '../http/access.ts'
import { accountJson } from './account.ts'
import { accountNamed } from '../apps/collaborators.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { oneLine } from '../http/one-line.ts'
import { checkEmail, checkPassword, generatePassword } from './login-rules.ts'
import { page } from '../http/page.ts'

type Store = ApiDeps['store']

const newAccount = Type.Object(
  {
    email: Type.String(),
    name: Type.Optional(Type.String({ maxLength: 100 })),
    password: Type.Optional(Type.String()),
    admin: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const change = Type.Object({ suspended: Type.Boolean() }, { additionalProperties: false })

/** All accounts, for admins. Heroku has no such endpoint. */
export function accountsRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const { accounts } = store
  const config = { scope: 'global' } as const

  api.get('/accounts', { config }, (request, reply) => {
    requireAdmin(request)
    const order = { email: (account: Account) => account.email, id: (account: Account) => account.id }
    return page(request, reply, accounts.list(), order).map(accountJson)
  })

  api.post('/accounts', { schema: { body: newAccount }, config }, (request, reply) => {
    requireAdmin(request)
    const { email, name, admin = false, password: chosen } = request.body
    const password = chosen ?? generatePassword()
    checkEmail(email)
    oneLine(name, 'name')
    checkPassword(password)
    const account = accounts.create({ email, admin, password, ...(name === undefined ? {} : { name }) })
    reply.code(201)
    return { ...accountJson(account), ...(chosen === undefined ? { password } : {}) }
  })

  api.get('/accounts/:account', { config }, (request) => accountJson(accountOf(store, request)))

  api.patch('/accounts/:account', { schema: { body: change }, config }, (request) => {
    const account = accountOf(store, request)
    if (!request.body.suspended) return accountJson(accounts.restore(account.id))
    refuseOneself(request, account, 'disable')
    return accountJson(accounts.suspend(account.id))
  })

  api.delete('/accounts/:account', { config }, (request) => {
    const account = accountOf(store, request)
    refuseOneself(request, account, 'remove')
    store.transaction(() => {
      refuseOwner(store, account)
      accounts.remove(account.id)
    })
    return accountJson(account)
  })
}

/** By email or id. @throws forbidden for all but admins, not_found */
function accountOf(store: Store, request: FastifyRequest): Account {
  requireAdmin(request)
  return accountNamed(store, (request.params as { account: string }).account)
}

/** So an admin who can log in is always left. @throws forbidden */
function refuseOneself({ identity }: FastifyRequest, { id }: Account, deed: string): void {
  if (id !== identity.account.id) return
  throw new PaasError('forbidden', `You cannot ${deed} your own account.`, { hint: 'Another admin can.' })
}

/** @throws invalid_params with the apps, and what to type for the first of them */
function refuseOwner({ apps }: Store, { id, email }: Account): void {
  const owned = apps.list().filter(({ ownerId }) => ownerId === id)
  const [first] = owned
  if (first === undefined) return
  const named = owned.slice(0, 20).map(({ name }) => name)
  const more = owned.length > named.length ? `, and ${owned.length - named.length} more` : ''
  throw new PaasError('invalid_params', `${email} owns ${named.join(', ')}${more}.`, {
    hint:
      `Transfer each to another owner: paas apps:transfer EMAIL -a ${first.name}, which they accept with paas transfers:accept ` +
      `${first.name}. Or disable the account: paas accounts:disable ${email}`,
  })
}
