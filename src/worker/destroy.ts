import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../model/repositories.ts'
import type { Logger } from '../log.ts'
import type { AppLogWriter } from '../logs/app-log.ts'
import { removeFigures } from '../metrics/figure-files.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import { removeOutput } from '../output/files.ts'
import type { OutputWriters } from '../model/output.ts'
import type { AppLocks } from '../app-lock.ts'
import type { Retirement } from '../dynos/retirement.ts'
import type { Routes } from '../dynos/routes.ts'
import type { Store } from '../store/store.ts'

export type DestroyDeps = {
  engine: Pick<Engine, 'listDynos' | 'removeApp'>
  store: Pick<Store, 'apps' | 'builds' | 'releases' | 'slugs'>
  routes: Pick<Routes, 'remove'>
  sandboxes: Pick<BuildSandboxes, 'without'>
  retirement: Retirement
  repositories: Pick<Repositories, 'remove'>
  logs: Pick<AppLogWriter, 'remove'>
  outputs: Pick<OutputWriters, 'close'>
  buildsDirectory: string
  metricsDirectory: string
  locks: AppLocks
  /** Ends the app's builds, each of which comes to its verdict, and its release command. */
  cancelAll: (appId: AppId) => void
  log: Logger
}

/**
 * Takes an app down: first nobody reaches it, then its dynos stop with the usual grace, then all it had goes. The record goes last, so that
 * whoever finds this half done begins again.
 */
export async function destroy(deps: DestroyDeps, app: App): Promise<void> {
  const { engine, store, routes, sandboxes, retirement, locks, log } = deps
  await routes.remove(app.id)
  deps.cancelAll(app.id)
  await locks.builds.run(app.id, () =>
    locks.releases.run(app.id, () =>
      locks.dynos.run(app.id, async () => {
        // Once more: a build that was in its deploy may have put it back.
        await routes.remove(app.id)
        const dynos = await engine.listDynos({ appId: app.id })
        retirement.retire(dynos)
        await retirement.finished(dynos)
        // Other apps run them; their record becomes theirs with the app's end.
        const kept = store.slugs.listReleasedElsewhere(app.id).map(({ image }) => image)
        await sandboxes.without(app.id, () => engine.removeApp(app.id, new Set(kept)))
        await removeFiles(deps, app)
        store.apps.remove(app.id)
      }),
    ),
  )
  log.info({ app: app.id, name: app.name }, 'app destroyed')
}

/** A build's end mark stays for those who read its output at this moment; the sweep takes it later. */
async function removeFiles(
  { repositories, logs, store, outputs, buildsDirectory, metricsDirectory }: DestroyDeps,
  app: App,
): Promise<void> {
  for (const { id } of store.builds.list(app.id)) {
    await outputs.close(id)
    await removeOutput(buildsDirectory, id, { keepEnd: true })
  }
  for (const { id } of store.releases.list(app.id)) await removeOutput(buildsDirectory, id, { keepEnd: true })
  await repositories.remove(app.id)
  await logs.remove(app.id)
  await removeFigures(metricsDirectory, app.id)
}
