import { asPaasError, isPassing, type PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { retry } from '../retry.ts'
import type { BuildRun } from './parts.ts'

/** Milliseconds between two attempts. */
const tryEvery = 1000

/**
 * Writes what a build came to, again and again if need be, so `write` can be repeated. On a full
 * disk it waits until there is room, and tells those who wait for the verdict. The build keeps its
 * turn meanwhile, so no newer one comes before it.
 * @throws what does not pass by itself, or an AbortError when the worker stops; the next one takes
 *   the build up again
 */
export function writeVerdict(
  { log }: { log: Logger },
  { output, closing }: Pick<BuildRun, 'output' | 'closing'>,
  write: () => Promise<void>,
): Promise<void> {
  const onFailure = (thrown: unknown, failures: number) => {
    const error = asPaasError(thrown)
    if (!isPassing(error)) throw thrown
    if (failures > 1) return
    log.error({ err: error }, 'a verdict cannot be written; tried again until it can')
    output.error(`The verdict cannot be written: ${reasonOf(error)}; trying again`)
  }
  return retry(write, { onFailure, pause: () => tryEvery, signal: closing })
}

function reasonOf({ code, message }: PaasError): string {
  return code === 'disk_full' ? 'no space left on the disk of the data directory' : message.replace(/\.$/, '')
}
