import type { Config } from '../config.ts'
import { isCode, PaasError } from '../errors.ts'
import { lockFile } from '../lock.ts'
import { awaitSuccessor, routersThere, routerStatus } from '../router/control/client.ts'
import type { RouterStatus } from '../router/control/protocol.ts'
import { terminate, type Running } from './child.ts'
import { sayRouterServesOn } from './terminal.ts'

/** Longer than the router gives the requests in flight (router/run). */
const stopMs = 12_000

/**
 * Seconds that the router keeps serving after its server stopped, for the next server to take over.
 * 0: it stops too.
 */
export type Afterlife = number

type Paths = Pick<Config['paths'], 'routerSocket' | 'lock'>

/**
 * The router that an earlier server left serving, if any. The next one takes over from it
 * (router/run).
 * @throws router_unavailable when it hangs
 */
export async function findServingRouter(paths: Paths): Promise<RouterStatus | undefined> {
  try {
    return (await routersThere(paths))[0]?.status
  } catch (cause) {
    const hint = 'Find its pid at the HTTP port with `ss -ltnp`, kill -9 it, and start again.'
    throw new PaasError('router_unavailable', 'The router of the previous server does not answer.', {
      hint,
      cause,
    })
  }
}

/**
 * At the end of a server: tells the router that serves, its own or one that it has not replaced
 * yet, what becomes of it, and says so in the terminal. The caller holds the directory's lock.
 */
export async function settleRouter(paths: Paths, afterlife: Afterlife): Promise<void> {
  const there = await routersThere(paths).catch(() => [])
  if (afterlife === 0) return there.forEach(({ status }) => end(status.pid))
  const seconds = afterlife === Infinity ? undefined : afterlife
  const told = await Promise.all(
    there.map(async ({ socket, status }) => {
      const answer = await awaitSuccessor(socket, seconds).catch(() => undefined)
      return answer === null ? [status.pid] : []
    }),
  )
  const pids = told.flat()
  if (pids.length > 0) sayRouterServesOn(pids, seconds)
}

/** One that has just ended by itself keeps none of the others. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch (cause) {
    if (!isCode(cause, 'ESRCH')) throw cause
  }
}

/** Lets a process of the router, which takes calls at `socket`, keep serving without this one. */
export async function leaveRouter(router: Running, socket: string, afterlife: Afterlife): Promise<void> {
  // One that hangs, or should not serve on, is killed.
  const serves = afterlife > 0 && (await routerStatus(socket).catch(() => undefined))
  if (serves) router.release()
  else await terminate(router, stopMs)
}

/** For a server that fails before it opens its data directory: the router there keeps serving. */
export async function keepServing(paths: Paths): Promise<void> {
  try {
    using lock = await lockFile(paths.lock)
    if (lock) await settleRouter(paths, Infinity)
  } catch {
    return // no data directory, no router
  }
}
