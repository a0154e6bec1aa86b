import type { Working } from './parts.ts'

type Used = Pick<
  Working,
  | 'engine'
  | 'store'
  | 'dynos'
  | 'collector'
  | 'dispatcher'
  | 'oneOffs'
  | 'upgrades'
  | 'services'
  | 'dataTransfers'
  | 'addonBackups'
  | 'addonUpgrades'
  | 'volumes'
>

/**
 * What every start and every return of the engine begins with: the host is secured again, and the
 * database is gone through for what is to be done, which also finds the addresses that dynos have
 * now.
 * @param first before the first work of this process: sandboxes and one-offs are a dead worker's,
 *   and the router gets a whole table. Later that could undo a switch that is just being made.
 */
export async function recover(worker: Used, { first }: { first: boolean }): Promise<void> {
  const { engine, store, dynos, collector, oneOffs, services, addonBackups, volumes, dispatcher } = worker
  await engine.secureHost()
  if (first) store.builds.noteLosses()
  if (first) await engine.removeOrphans(oneOffs.survivors(await engine.listDynos()))
  const present = await dynos.list()
  collector.followAll(present, await services.list())
  oneOffs.resume(present)
  if (first) await dynos.routeToWhatRuns(present)
  services.begin((appId) => void dispatcher.converge(appId))
  worker.dataTransfers.begin()
  addonBackups.begin()
  worker.addonUpgrades.begin((appId) => void dispatcher.converge(appId))
  if (first) await volumes.begin((appId) => void dispatcher.converge(appId))
  resumeWork(worker)
}

/**
 * Every build without a verdict, every set-up and stack upgrade that has not come to its end, and
 * every app, whatever its state: those in order cost one look each.
 */
export function resumeWork({
  store,
  dispatcher,
  upgrades,
  services,
  volumes,
}: Pick<Used, 'store' | 'dispatcher' | 'upgrades' | 'services' | 'volumes'>): void {
  for (const { appId, id } of store.builds.listUnfinished()) void dispatcher.build(appId, id)
  for (const { appId, buildId } of store.appSetups.listOpen()) void dispatcher.build(appId, buildId)
  for (const { id } of store.apps.listAll()) void dispatcher.converge(id)
  for (const { id, appId } of store.oneOffs.list()) void dispatcher.run({ kind: 'run', appId, oneOffId: id })
  upgrades.wake()
  services.wake()
  volumes.wake()
}
