import { PaasError } from '../errors.ts'

/** Why work is stopped that the next worker takes up again. */
export const shutdown = Symbol('the server stops')

/** Why a build, or a release command, is stopped for good. */
export function cancelled(): PaasError {
  return new PaasError('build_cancelled', 'Build cancelled.')
}
