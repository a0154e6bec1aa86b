import type { DestinationStream, Logger } from 'pino'
import { loadWithout } from './load-without.ts'
import { inSources } from './source-positions.ts'

export type { Logger }

const { pino } = await loadWithout('pino', () => import('pino'))

/** Paths whose values never reach a log line, whatever event carries them. */
const secretPaths = ['token', 'password', 'authorization', 'config', 'value', 'env'].flatMap((key) => [key, `*.${key}`])

/**
 * The log of one role. Lines are JSON events with ids on stderr:
 * `log.info({ app, build }, 'build started')`. Build output and app output are products of their
 * own and never pass through here.
 * @param level trace | debug | info | warn | error | silent
 */
export function createLog(role: string, level = 'info'): Logger {
  const redact = { paths: secretPaths, censor: '[secret]' }
  return pino({ name: role, level, base: { role }, redact, serializers: { err: errorFields } }, standardError())
}

function errorFields(error: Error): object {
  const fields: unknown = pino.stdSerializers.err(error)
  if (typeof fields !== 'object' || fields === null) return { message: String(fields) }
  return 'stack' in fields && typeof fields.stack === 'string' ? { ...fields, stack: inSources(fields.stack) } : fields
}

/**
 * A full disk or a closed pipe costs lines, and never the process; of lines that wait for space, 1
 * MiB is kept.
 */
function standardError(): DestinationStream {
  return pino.destination({ fd: 2, sync: true, maxLength: 2 ** 20 }).on('error', () => undefined)
}
