import { removeFigures } from '../metrics/figure-files.ts'
import type { App } from '../model/app.ts'
import { removeOutput } from '../output/files.ts'
import type { Working } from './parts.ts'
import { removeVolumes } from './volumes.ts'

/**
 * Destroys an app: first its routes, then its dynos with the usual grace time, then its add-ons and
 * its data. The
 * database row goes last, so that an interrupted destroy is started again.
 */
export async function destroy(worker: Working, app: App): Promise<void> {
  const { builds, releases, dynos, services, dispatcher, store, log } = worker
  await dynos.unroute(app.id)
  // Every build of the app gets its verdict first.
  dispatcher.cancelAll(app.id)
  const removeAll = async (): Promise<void> => {
    await services.removeOf(app.id)
    await builds.withoutSandbox(app.id, () => removeImages(worker, app))
    await removeVolumes(worker, app.id)
    await removeFiles(worker, app)
    store.apps.remove(app.id)
    worker.ownPages.tidy()
  }
  await builds.exclude(app.id, () => releases.exclude(app.id, () => dynos.retireAll(app.id, removeAll)))
  log.info({ app: app.id, name: app.name }, 'app destroyed')
}

/** But for those that other apps run: their record becomes theirs with the app's end. */
async function removeImages({ engine, store }: Working, app: App): Promise<void> {
  const kept = store.slugs.listReleasedElsewhere(app.id).map(({ image }) => image)
  await engine.removeApp(app.id, new Set(kept))
}

/**
 * A build's end mark stays for those who read its output at this moment; the sweep takes it later.
 */
async function removeFiles({ repositories, logs, store, outputs, config }: Working, app: App): Promise<void> {
  const { builds, metrics } = config.paths
  for (const { id } of store.builds.list(app.id)) {
    await outputs.close(id)
    await removeOutput(builds, id, { keepEnd: true })
  }
  for (const { id } of store.releases.list(app.id)) await removeOutput(builds, id, { keepEnd: true })
  await repositories.remove(app.id)
  await logs.remove(app.id)
  await removeFigures(metrics, app.id)
}
