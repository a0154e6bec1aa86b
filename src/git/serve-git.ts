import type { GitLimits } from './limits.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import type { Grants } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import type { OutputReader } from '../model/output.ts'
import type { Queue } from '../queue/queue.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { Store } from '../store/store.ts'
import { leastFree } from '../source/disk-space.ts'
import { isIsolated } from './environment.ts'
import { openHookServer } from './hook-server.ts'
import { Maintenance } from './maintenance.ts'
import { Pushes } from './pushes.ts'
import { removeLeftovers } from './leftovers.ts'
import { createHookHandlers } from './receive.ts'
import type { Repositories } from '../model/repositories.ts'
import { UnclaimedPacks } from './unclaimed-packs.ts'
import { createGitHandler } from './smart-http.ts'

export type ServeGitDeps = {
  config: {
    paths: Pick<Config['paths'], 'hookSocket' | 'repositories'>
    limits: Pick<Config['limits'], 'packBytes' | 'repositoryBytes'>
  }
  store: Pick<Store, 'tokens' | 'apps' | 'audit' | 'collaborators' | 'builds' | 'releases' | 'slugs'>
  grants: Pick<Grants, 'hold'>
  quotas: Pick<Quotas, 'checkBuild' | 'holdRepositoryRoom'>
  repositories: Repositories
  queue: Pick<Queue, 'enqueue' | 'expect'>
  /** Room for a build, where builds are. @throws disk_full */
  makeDiskRoom: () => Promise<void>
  output: OutputReader
  log: Logger
  /** Only tests have others. */
  limits?: Partial<GitLimits>
}

/**
 * `handle` answers requests below `/APP.git/` and gives true; all others it leaves alone and gives
 * false.
 */
export type GitServer = AsyncDisposable & { handle(req: IncomingMessage, res: ServerResponse): boolean }

/** Usual limits; see `GitLimits`. */
const usual = { perApp: 10, perAccount: 20, idleMs: 60_000, totalMs: 3_600_000, freeBytes: leastFree }

/**
 * Everything the api needs to serve git: the gate for its HTTP requests and the socket its hooks
 * come to. `isolateEnvironment` must have been called. When it is disposed, pushes that wait for a
 * build are told to push again.
 */
export async function serveGit({ config, store, limits, ...deps }: ServeGitDeps): Promise<GitServer> {
  const { hookSocket, repositories } = config.paths
  if (!isIsolated({ hookSocket })) throw new PaasError('internal', 'git would see the environment of the server.')
  await removeLeftovers(repositories, deps.log)
  const held: GitLimits = { ...usual, ...config.limits, ...limits }
  const pushes = new Pushes()
  const { freeBytes } = held
  const handlers = createHookHandlers({ ...store, ...deps, freeBytes })
  await using life = new AsyncDisposableStack()
  const maintenance = life.use(new Maintenance({ ...store, ...deps }))
  const unclaimed = life.use(new UnclaimedPacks(deps))
  life.use(await openHookServer({ socket: hookSocket, pushes, handlers, log: deps.log }))
  const handle = createGitHandler({ ...store, ...deps, pushes, maintenance, unclaimed, limits: held })
  const serving = life.move()
  return { handle, [Symbol.asyncDispose]: () => serving.disposeAsync() }
}
