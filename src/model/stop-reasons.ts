import { PaasError } from '../errors.ts'

/** Why work is stopped that the next worker takes up again. */
export const shutdown = Symbol('the server stops')

/** Of work that the next worker does not take up: why it failed. */
export const stoppedInItsMidst = 'The server was stopped in the midst of it.'

/** Why a build, or a release command, is stopped for good. */
export function cancelled(): PaasError {
  return new PaasError('build_cancelled', 'Build cancelled.')
}

/** Of a build at the end of its time. */
export function tookTooLong(seconds: number, cause: unknown): PaasError {
  return new PaasError('build_timeout', `build failed: it took longer than ${seconds} seconds`, {
    hint: 'Make the build faster, or raise PAAS_BUILD_TIMEOUT.',
    cause,
  })
}
