import { PaasError } from '../errors.ts'

/** Why work is stopped that the next worker takes up again. */
export const shutdown = Symbol('the server stops')

/** Of work that the next worker does not take up: why it failed. */
export const stoppedInItsMidst = 'The server was stopped in the midst of it.'

/** Why a build, or a release command, is stopped for good. */
export function cancelled(): PaasError {
  return new PaasError('build_cancelled', 'Build cancelled.')
}
