import { Type } from 'typebox'
import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import type { Api, ApiDeps } from './deps.ts'
import type { Identity } from './identity.ts'
import { checkPassword } from './login-rules.ts'
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

/** One's own account. */
export function accountRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  const { accounts } = store
  const own = { config: { scope: 'identity' } } as const
  api.get('/account', own, (request) => accountJson(request.identity.account))
  api.get('/users/~', own, (request) => accountJson(request.identity.account))

  api.patch('/account', { schema: { body: accountChange }, config: { scope: 'global' } }, async (request) => {
    const { account } = request.identity
    const { name, password = '', new_password } = request.body
    if (new_password !== undefined) await changePassword(store, request.identity, password, new_password)
    return accountJson(name === undefined ? account : accounts.update(account.id, { name }))
  })
}

/** Whoever logged in with the old password elsewhere has to log in again; tokens that were made for a purpose stay. */
async function changePassword(
  { accounts, tokens }: Pick<ApiDeps['store'], 'accounts' | 'tokens'>,
  { account, tokenId }: Identity,
  password: string,
  newPassword: string,
): Promise<void> {
  checkPassword(newPassword)
  const known = accounts.hasPassword(account.id)
  if (known && !(await accounts.authenticate(account.email, password))) {
    throw new PaasError('forbidden', 'password must be the present password.')
  }
  await accounts.setPassword(account.id, newPassword)
  tokens.removeSessions(account.id, tokenId)
}

export function accountJson(account: Account): object {
  return {
    admin: account.admin,
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
    suspended_at: account.suspendedAt && time(account.suspendedAt),
    two_factor_authentication: false,
    updated_at: time(account.updatedAt),
    verified: true,
  }
}
