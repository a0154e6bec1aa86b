import type { FastifyRequest } from 'fastify'
import { asPaasError, PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import { clientIn } from '../../model/client-network.ts'
import type { Asker } from '../../model/grant.ts'
import type { Store } from '../../store/store.ts'
import type { FailedLogins } from '../audit/failed-logins.ts'
import type { CodeGuard } from './code-guard.ts'
import type { PasswordGuard } from './password-guard.ts'
import { checkSecondFactor, codeIn } from './second-factor.ts'

/** Who asks, and what their token lets them do. */
export type Identity = { account: Account; scope: string[]; token: Asker['token'] }

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity
  }
}

type LoginDeps = {
  store: Pick<Store, 'tokens' | 'accounts' | 'twoFactors'>
  passwords: PasswordGuard
  codes: CodeGuard
  failures: Pick<FailedLogins, 'note'>
}

type Credentials = { user: string; secret: string }

/**
 * `Bearer TOKEN`, or Basic with the token as the password; the user name does not matter.
 * @throws unauthorized
 */
export function identifyByToken({ tokens }: Pick<Store, 'tokens'>, request: FastifyRequest): Identity {
  const { secret } = credentialsOf(request)
  const known = tokens.authenticate(secret)
  if (!known) throw new PaasError('unauthorized', 'The token is not valid: it is wrong, expired or revoked.')
  return { account: known.account, scope: known.token.scope, token: known.token }
}

/**
 * Likewise, or Basic `email:password`, with a second factor if the account has one: only for
 * getting a token.
 * @throws unauthorized, two_factor, rate_limit
 */
export async function identifyByLogin(
  { store, passwords, codes, failures }: LoginDeps,
  request: FastifyRequest,
): Promise<Identity> {
  const { user, secret } = credentialsOf(request)
  if (!user.includes('@') || store.tokens.authenticate(secret)) return identifyByToken(store, request)
  const asks = { client: clientAddress(request), email: user }
  const account = await passwords.check(asks, () => store.accounts.authenticate(user, secret))
  if (!account) {
    failures.note(asks, 'unauthorized')
    throw new PaasError('unauthorized', 'The email or the password is wrong.')
  }
  try {
    checkSecondFactor({ store, codes }, request, account)
  } catch (cause) {
    if (codeIn(request.headers) !== '') failures.note(asks, asPaasError(cause).code)
    throw cause
  }
  return { account, scope: ['global'], token: null }
}

function credentialsOf(request: FastifyRequest): Credentials {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return { user: '', secret: value }
  if (scheme.toLowerCase() === 'basic') {
    const text = Buffer.from(value, 'base64').toString()
    const colon = text.indexOf(':')
    if (colon >= 0) return { user: text.slice(0, colon), secret: text.slice(colon + 1) }
  }
  throw new PaasError('unauthorized', 'This request needs a token: Authorization: Bearer TOKEN.')
}

/** The address that the router saw. */
export function clientAddress({ headers }: Pick<FastifyRequest, 'headers'>): string {
  return clientIn(headers['x-forwarded-for'])
}
