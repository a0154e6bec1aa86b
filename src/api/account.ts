import { Type } from 'typebox'
import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import { requireAdmin } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import { page } from './page.ts'
import { checkEmail, checkPassword, generatePassword } from './login-rules.ts'
import { time } from './shapes.ts'

const accountChange = Type.Object(
  {
    name: Type.Optional(Type.Union([Type.String({ maxLength: 100 }), Type.Null()])),
    password: Type.Optional(Type.String()),
    new_password: Type.Optional(Type.String()),
    allow_tracking: Type.Optional(Type.Boolean()),
    beta: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const newAccount = Type.Object(
  {
    email: Type.String(),
    name: Type.Optional(Type.String({ maxLength: 100 })),
    password: Type.Optional(Type.String()),
    admin: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** One's own account, and, for admins, everybody's (which Heroku has no call for). */
export function accountRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const { accounts } = store
  const own = { config: { scope: 'identity' } } as const
  api.get('/account', own, (request) => accountJson(request.identity.account))
  api.get('/users/~', own, (request) => accountJson(request.identity.account))

  api.patch('/account', { schema: { body: accountChange }, config: { scope: 'global' } }, async (request) => {
    const { account } = request.identity
    const { name, password = '', new_password } = request.body
    if (new_password !== undefined) await changePassword(accounts, account, password, new_password)
    return accountJson(name === undefined ? account : accounts.update(account.id, { name }))
  })

  api.get('/accounts', { config: { scope: 'global' } }, (request, reply) => {
    requireAdmin(request)
    const all = accounts.list()
    return page(request, reply, all, { email: (account) => account.email, id: (account) => account.id }).map(
      accountJson,
    )
  })

  api.post('/accounts', { schema: { body: newAccount }, config: { scope: 'global' } }, (request, reply) => {
    requireAdmin(request)
    const { email, name, admin = false, password: chosen } = request.body
    const password = chosen ?? generatePassword()
    checkEmail(email)
    checkPassword(password)
    const account = accounts.create({ email, admin, password, ...(name === undefined ? {} : { name }) })
    reply.code(201)
    return { ...accountJson(account), ...(chosen === undefined ? { password } : {}) }
  })
}

async function changePassword(
  accounts: ApiDeps['store']['accounts'],
  account: Account,
  password: string,
  newPassword: string,
): Promise<void> {
  checkPassword(newPassword)
  const known = accounts.hasPassword(account.id)
  if (known && !(await accounts.authenticate(account.email, password))) {
    throw new PaasError('forbidden', 'password must be the present password.')
  }
  await accounts.setPassword(account.id, newPassword)
}

function accountJson(account: Account): object {
  return {
    allow_tracking: false,
    beta: false,
    country_of_residence: null,
    created_at: time(account.createdAt),
    default_organization: null,
    default_team: null,
    delinquent_at: null,
    email: account.email,
    federated: false,
    id: account.id,
    identity_provider: null,
    last_login: null,
    name: account.name,
    sms_number: null,
    suspended_at: null,
    two_factor_authentication: false,
    updated_at: time(account.updatedAt),
    verified: true,
  }
}
