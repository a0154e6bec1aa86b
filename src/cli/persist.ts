import { setTimeout as wait } from 'node:timers/promises'
import { PaasError } from '../errors.ts'
import type { Client } from './client.ts'
import { note } from './output.ts'

/** Milliseconds before the server is asked again. */
const [shortestPause, longestPause] = [500, 5_000]

/**
 * Does something again for as long as the server cannot be reached, as when it restarts, and says
 * so the first time.
 * @param work changes nothing, and has worked before: a server that never answered is an error at
 *   once
 * @param patience how long, milliseconds; then the last error is thrown
 */
export async function persist<T>(
  { server }: Client,
  work: () => Promise<T>,
  { patience = Infinity, told = false }: { patience?: number; told?: boolean } = {},
): Promise<T> {
  const begin = performance.now()
  for (let pause = shortestPause, silent = told; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      return await work()
    } catch (cause) {
      if (!isAway(cause) || performance.now() - begin > patience) throw cause
    }
    if (!silent) sayLost(server.url)
    silent = true
    await wait(pause)
  }
}

/** A stopping server says so to clients that connect in that moment. */
function isAway(cause: unknown): boolean {
  return cause instanceof PaasError && ['server_unreachable', 'server_closing'].includes(cause.code)
}

export function sayLost(url: string): void {
  note(`The connection to ${url} was lost; reconnecting.`)
}
