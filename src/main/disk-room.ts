import { makeDiskRoom } from '../build/disk-room.ts'
import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import type { Store } from '../store/store.ts'
import { sweep, usualKeep } from '../worker/sweep.ts'

type Used = { config: Config; store: Store; engine: Engine; sandboxes: BuildSandboxes; log: Logger }

/**
 * Makes room on the engine's disk, for whoever asks meanwhile too. What is only kept in case may
 * go, an image once no build can be about to record it.
 */
export function createDiskRoom(used: Used): () => Promise<void> {
  let making: Promise<void> | undefined
  return () => (making ??= makeDiskRoom(roomOf(used)).finally(() => (making = undefined)))
}

function roomOf({ config, store, engine, sandboxes, log }: Used): Parameters<typeof makeDiskRoom>[0] {
  const lastBuilt = (id: AppId): number => store.builds.list(id)[0]?.createdAt.getTime() ?? 0
  const swept = { store, engine, paths: config.paths, log }
  return {
    free: () => engine.freeDisk(),
    sweep: () => sweep(swept, { ...usualKeep, imageLife: config.build.timeoutSeconds * 1000 }),
    apps: () =>
      store.apps
        .listAll()
        .map(({ id }) => id)
        .toSorted((one, other) => lastBuilt(one) - lastBuilt(other)),
    removeCache: (appId) => sandboxes.without(appId, () => engine.removeCache(appId)),
  }
}
