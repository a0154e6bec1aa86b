import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { PaasError } from './errors.ts'

/**
 * A child that was just spawned, with its streams. Where there are no descriptors Node gives one
 * that has none, whatever its type says, and tells why only later, in an event that ends this
 * process when nobody listens.
 * @throws server_exhausted
 */
export function withStreams<C extends ChildProcess>(child: C): C {
  if ((child.stdio as unknown) !== undefined) return child
  child.on('error', () => undefined)
  throw noDescriptors()
}

/**
 * For libraries that take the streams for granted: what they run into then, in our words; anything
 * else as it is.
 */
export function explainMissingStreams(cause: unknown): unknown {
  return /TypeError: Cannot read properties of undefined/.test(String(cause)) ? noDescriptors(cause) : cause
}

/**
 * From here on no process that cannot be started ends this one, also not where a library starts it
 * and does not listen yet.
 */
export function surviveFailedStarts(): void {
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess }
    child.on('error', () => undefined)
  })
}

function noDescriptors(cause?: unknown): PaasError {
  return new PaasError('server_exhausted', 'The server has no file descriptors left.', { cause })
}
