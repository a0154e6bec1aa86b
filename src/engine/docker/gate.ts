import { setTimeout as delay } from 'node:timers/promises'
import { isCode, PaasError } from '../../errors.ts'

/** Milliseconds that a call waits for a gate that is started again. */
const patience = 10_000
const pause = 50

/** Why the engine cannot be reached (errno(3)), and its socket's path. */
type Away = { code: string; path: string }

/** The gate's message about this to its clients. */
export function awayMessage({ code, path }: Away): string {
  return `the engine is away (${code}): ${path}`
}

export function readAway(error: unknown): Away | undefined {
  const [, code, path] = /the engine is away \((E[A-Z]+)\): (\/\S*)/.exec((error as Error).message) ?? []
  return code !== undefined && path !== undefined ? { code, path } : undefined
}

/** Repeats a call while nobody listens at the socket: no part of it was received then. */
export async function throughGate<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!isCode(error, 'ECONNREFUSED', 'ENOENT') || performance.now() > deadline) throw error
      await delay(pause, undefined, signal && { signal })
    }
  }
}

/** The supervisor starts it again. */
export function gateUnavailable(gate: string, cause: unknown): PaasError {
  const { code } = cause as { code?: string }
  return new PaasError('engine_unavailable', `The gate to Docker does not answer at ${gate} (${code}).`, { cause })
}
