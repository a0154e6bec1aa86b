import { createHook } from 'node:async_hooks'
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
 * and does not listen yet; nor does it keep the descriptors of its streams.
 */
export function surviveFailedStarts(): void {
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess }
    child.on('error', () => undefined)
    closeIfFailed(child)
  })
}

type Pipe = { onread?: unknown; fd: number; close(): void }

/**
 * Closes the pipes of a child that was not started for lack of descriptors: Node makes them first,
 * and forgets them then (lib/internal/child_process.js, `spawn`, EMFILE). Told before the child is
 * started, this sees what is made in the same turn; a pipe that somebody uses has an `onread`.
 * One that got no descriptor holds nothing, and stays: libuv takes such a child out of its list of
 * handles twice (`uv_spawn`, and when Node closes it), and the second time writes to the handles
 * that were beside it, of which the pipe made last must not be free by then.
 */
function closeIfFailed(child: ChildProcess): void {
  const made: Pipe[] = []
  const init = (_: number, type: string, __: number, resource: object): void => {
    if (type === 'PIPEWRAP') made.push(resource as Pipe)
  }
  const watch = createHook({ init, trackPromises: false }).enable()
  process.nextTick(() => {
    watch.disable()
    if ((child.stdio as unknown) !== undefined) return
    for (const pipe of made) if (pipe.onread === undefined && pipe.fd >= 0) pipe.close()
  })
}

function noDescriptors(cause?: unknown): PaasError {
  return new PaasError('server_exhausted', 'The server has no file descriptors left.', { cause })
}
