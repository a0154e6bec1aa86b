import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import { lockFile } from '../lock.ts'
import { awaitSuccessor, routerStatus } from '../router/control/client.ts'
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
export async function findServingRouter({ routerSocket }: Paths): Promise<RouterStatus | undefined> {
  try {
    return await routerStatus(routerSocket)
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
export async function settleRouter({ routerSocket }: Paths, afterlife: Afterlife): Promise<void> {
  const router = await routerStatus(routerSocket).catch(() => undefined)
  if (router === undefined) return
  if (afterlife === 0) return void process.kill(router.pid, 'SIGTERM')
  const seconds = afterlife === Infinity ? undefined : afterlife
  const told = await awaitSuccessor(routerSocket, seconds).catch(() => undefined)
  if (told === null) sayRouterServesOn(router.pid, seconds)
}

/** Lets a router keep serving without this process. One that hangs, or should not, is killed. */
export async function leaveRouter(router: Running, { routerSocket }: Paths, afterlife: Afterlife): Promise<void> {
  const serves = afterlife > 0 && (await routerStatus(routerSocket).catch(() => undefined))
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
