import { appDirectory } from '../build/directories.ts'
import { appendSlug } from '../build/export.ts'
import type { BackupStorage } from '../data-transfers/storage.ts'
import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Stacks } from '../build/stacks.ts'
import type { Engine } from '../engine/engine.ts'
import { runProgram } from '../services/programs.ts'
import { figuresOf } from '../services/figures.ts'
import { label } from '../engine/labels.ts'
import { appUser } from '../model/app-user.ts'
import type { Volumes } from '../volumes/volumes.ts'
import type { Containers, SlugOrigin } from './containers.ts'

type Deps = {
  engine: Pick<
    Engine,
    | 'machine'
    | 'info'
    | 'listDynos'
    | 'listImages'
    | 'cacheBytes'
    | 'removeCache'
    | 'appendLayer'
    | 'findImage'
    | 'readImage'
    | 'listServices'
    | 'execInService'
    | 'streamInService'
    | 'dynoUsage'
    | 'dataBytes'
  >
  sandboxes: Pick<BuildSandboxes, 'without'>
  stacks: Stacks
  storage: Pick<BackupStorage, 'read' | 'remove'>
  volumes: Pick<Volumes, 'read' | 'download' | 'upload'>
  makeDiskRoom: () => Promise<void>
  serverId: string
}

/**
 * Straight from the engine. What an image is made on, who runs in it and what is read of it is
 * decided here, not by who asks.
 */
export function createContainers(deps: Deps): Containers {
  const { engine, stacks, sandboxes, storage, volumes, makeDiskRoom, serverId } = deps
  return {
    machine: () => engine.machine(),
    makeDiskRoom,
    listDynos: ({ appId }) => engine.listDynos({ appId }),
    removeCache: (appId) => sandboxes.without(appId, () => engine.removeCache(appId)),
    async diskOf(appId) {
      const [images, cacheBytes] = await Promise.all([engine.listImages({ appId }), engine.cacheBytes(appId)])
      return { images: images.map(({ digest, labels }) => ({ digest, labels })), cacheBytes: cacheBytes ?? null }
    },
    async addSlug(slug, files) {
      const { toolbox } = stacks(slug.stack)
      const base = await toolbox.uploadImage()
      const options = { base, users: await toolbox.usersIn(base), owner: appUser(slug.app.id), labels: labelsOf(slug) }
      return (await appendSlug(engine, options, files)).digest
    },
    async readSlug(image, signal) {
      const found = await engine.findImage(image)
      return found?.labels[label.server] === serverId ? engine.readImage(image, appDirectory, signal) : undefined
    },
    imageStates: async (stack, images, signal) =>
      (await stacks(stack).states.of(images, { now: false }, signal)).states,
    readVolume: (id, options, signal) => volumes.read(id, options, signal),
    readVolumeBackup: (id, signal) => volumes.download(id, signal),
    fillVolume: (id, files, signal) => volumes.upload(id, files, signal),
    addonFigures: (id, signal) => figuresOf({ engine }, id, signal),
    runProgram: (asked, signal) => runProgram({ engine }, asked, signal),
    readBackup: (place, signal) => Promise.resolve(storage.read(place, signal)),
    removeBackup: (place, signal) => storage.remove([place], signal),
  }
}

/** What names a running container's origin. */
function labelsOf({ id, app }: SlugOrigin): Record<string, string> {
  return {
    'paas.app': app.id,
    'paas.app-name': app.name,
    'paas.slug': id,
    'org.opencontainers.image.title': app.name,
    'org.opencontainers.image.created': new Date().toISOString(),
  }
}
