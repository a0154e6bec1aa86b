import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import type { Api, ApiDeps } from '../deps.ts'
import type { CodeGuard } from './code-guard.ts'
import { clientAddress } from './identity.ts'
import { oneLine } from '../http/one-line.ts'
import { checkPassword } from './login-rules.ts'
import type { PasswordGuard } from './password-guard.ts'
import { time } from '../http/shapes.ts'

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

type Deps = Pick<ApiDeps, 'store'> & { passwords: PasswordGuard; codes: Pick<CodeGuard, 'forget'> }

/** One's own account. */
export function accountRoutes(api: Api, deps: Deps): void {
  const { accounts } = deps.store
  const own = { config: { scope: 'identity' } } as const
  api.get('/account', own, (request) => accountJson(request.identity.account))
  api.get('/users/~', own, (request) => accountJson(request.identity.account))

  api.patch('/account', { schema: { body: accountChange }, config: { scope: 'global' } }, async (request) => {
    const { account } = request.identity
    const { name, password = '', new_password: wanted } = request.body
    oneLine(name, 'name')
    if (wanted !== undefined) await changePassword(deps, request, { present: password, wanted })
    return accountJson(name === undefined ? account : accounts.update(account.id, { name }))
  })
}

/** Other logins made with the old password end; tokens created for a purpose stay. */
async function changePassword(
  { store: { accounts, tokens }, passwords, codes }: Deps,
  request: FastifyRequest,
  { present, wanted }: { present: string; wanted: string },
): Promise<void> {
  const { account, token } = request.identity
  checkPassword(wanted)
  if (accounts.hasPassword(account.id)) {
    const asks = { client: clientAddress(request), email: account.email }
    const right = await passwords.check(asks, () => accounts.authenticate(account.email, present))
    if (!right) throw new PaasError('forbidden', 'The current password is wrong.')
  }
  await accounts.setPassword(account.id, wanted)
  tokens.removeSessions(account.id, token?.id ?? null)
  codes.forget(account.id)
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
    two_factor_authentication: account.twoFactor,
    updated_at: time(account.updatedAt),
    verified: true,
  }
}
