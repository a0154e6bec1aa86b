import type { FastifyRequest } from 'fastify'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import type { Store } from '../../store/store.ts'
import type { CodeGuard } from './code-guard.ts'

export type SecondFactorDeps = { store: Pick<Store, 'twoFactors'>; codes: CodeGuard }

/**
 * Asks for the second factor of an account that has one, in Heroku's header.
 * @throws two_factor, which makes Heroku's command ask for a code, rate_limit
 */
export function checkSecondFactor(
  { store, codes }: SecondFactorDeps,
  { headers }: Pick<FastifyRequest, 'headers'>,
  { id, twoFactor }: Account,
): void {
  if (!twoFactor) return
  const code = codeIn(headers)
  if (code === '') {
    throw new PaasError('two_factor', 'This account has two-factor authentication, and this needs a code of it.')
  }
  if (!codes.check(id, () => store.twoFactors.check(id, code))) throw wrongCode()
}

export function wrongCode(): PaasError {
  return new PaasError('two_factor', 'The two-factor code is wrong, or was used before.')
}

export function codeIn(headers: FastifyRequest['headers']): string {
  return String(headers['heroku-two-factor-code'] ?? '').trim()
}
