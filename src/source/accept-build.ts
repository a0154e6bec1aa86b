import type { Logger } from '../log.ts'
import type { Build } from '../model/build.ts'
import type { Queue } from '../queue/queue.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { AppRecords, BuildRecords } from '../store/store.ts'
import type { Repositories } from '../model/repositories.ts'

export type AcceptDeps = {
  apps: Pick<AppRecords, 'get'>
  builds: Pick<BuildRecords, 'create'>
  quotas: Pick<Quotas, 'checkBuild'>
  repositories: Pick<Repositories, 'keep' | 'release'>
  queue: Pick<Queue, 'enqueue'>
  log: Logger
}

export type NewBuild = Parameters<BuildRecords['create']>[0]

/**
 * Records a build, after which it will be done whatever happens, and wakes the worker. `queued` is
 * false when the queue is away: the worker finds the build in the database then.
 * @throws account_limit
 */
export async function acceptBuild(deps: AcceptDeps, asked: NewBuild): Promise<{ build: Build; queued: boolean }> {
  const { apps, builds, quotas, repositories, queue, log } = deps
  const app = apps.get(asked.appId)
  if (app) quotas.checkBuild(app)
  const { build, superseded } = builds.create(asked)
  if (build.source === null) await repositories.keep(build.appId, build.id, build.commit)
  for (const old of superseded) await repositories.release(old.appId, old.id)
  try {
    await queue.enqueue({ kind: 'build', appId: build.appId, buildId: build.id })
    return { build, queued: true }
  } catch (cause) {
    log.warn({ err: cause, app: build.appId, build: build.id }, 'build recorded, queue away')
    return { build, queued: false }
  }
}
