import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import { base32, totpUrl } from '../../model/totp.ts'
import { accountNamed } from '../apps/collaborators.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { requireAdmin } from '../http/access.ts'
import { clientAddress } from './identity.ts'
import type { PasswordGuard } from './password-guard.ts'
import { checkSecondFactor, codeIn, wrongCode, type SecondFactorDeps } from './second-factor.ts'
import { accountJson } from './account.ts'

type Deps = Pick<ApiDeps, 'store' | 'config'> & SecondFactorDeps & { passwords: PasswordGuard }

const beginning = Type.Object({ password: Type.Optional(Type.String()) }, { additionalProperties: false })

/**
 * A second factor for logins with a password: time-based codes (RFC 6238) and recovery codes. Of
 * Heroku's API only the header and the recovery codes are known; the rest is ours.
 */
export function twoFactorRoutes(api: Api, deps: Deps): void {
  const { store, config, passwords, codes } = deps
  const { accounts, twoFactors } = store
  const scope = { config: { scope: 'global' } } as const

  api.get('/account/two-factor', scope, ({ identity: { account } }) => ({
    enabled: account.twoFactor,
    recovery_codes_left: twoFactors.codesLeft(account.id),
  }))

  // With the password, so that who found an open terminal cannot lock its owner out.
  api.post('/account/two-factor', { ...scope, schema: { body: beginning } }, async (request, reply) => {
    const { account } = request.identity
    if (account.twoFactor) throw new PaasError('invalid_params', 'Two-factor authentication is enabled already.')
    if (accounts.hasPassword(account.id)) {
      const asks = { client: clientAddress(request), email: account.email }
      const { password = '' } = request.body
      const right = await passwords.check(asks, () => accounts.authenticate(account.email, password))
      if (!right) throw new PaasError('forbidden', 'The password is wrong.')
    }
    const secret = twoFactors.begin(account.id)
    reply.code(201)
    const issuer = new URL(config.publicUrl).host
    return { secret: base32(secret), url: totpUrl(secret, { issuer, email: account.email }) }
  })

  api.patch('/account/two-factor', scope, (request) => {
    const { account } = request.identity
    if (!twoFactors.isBegun(account.id)) {
      throw new PaasError('invalid_params', 'Nothing is to be confirmed.', { hint: 'Begin with: paas 2fa:enable' })
    }
    let made: string[] | undefined
    codes.check(account.id, () => (made = twoFactors.confirm(account.id, codeIn(request.headers))) !== undefined)
    if (!made) throw wrongCode()
    return { enabled: true, recovery_codes: made }
  })

  api.delete('/account/two-factor', scope, (request) => {
    checkSecondFactor(deps, request, request.identity.account)
    twoFactors.remove(request.identity.account.id)
    return { enabled: false, recovery_codes_left: 0 }
  })

  api.post('/account/recovery-codes', scope, (request, reply) => {
    const { account } = request.identity
    if (!account.twoFactor) throw new PaasError('invalid_params', 'Two-factor authentication is not enabled.')
    checkSecondFactor(deps, request, account)
    reply.code(201)
    return twoFactors.renewCodes(account.id)
  })

  api.delete<{ Params: { account: string } }>('/accounts/:account/two-factor', scope, (request) => {
    requireAdmin(request)
    const account = accountNamed(store, request.params.account)
    twoFactors.remove(account.id)
    codes.forget(account.id)
    return accountJson({ ...account, twoFactor: false })
  })
}
