import { appDirectory } from '../build/directories.ts'
import { appendSlug } from '../build/export.ts'
import type { Toolbox } from '../build/toolbox.ts'
import type { Engine } from '../engine/engine.ts'
import { label } from '../engine/labels.ts'
import type { Containers, SlugOrigin } from './containers.ts'

type Deps = {
  engine: Pick<Engine, 'machine' | 'listDynos' | 'removeCache' | 'appendLayer' | 'findImage' | 'readImage'>
  toolbox: Pick<Toolbox, 'uploadImage'>
  serverId: string
}

/** Straight from the engine. What an image is made on, who runs in it and what is read of it is decided here, not by who asks. */
export function createContainers({ engine, toolbox, serverId }: Deps): Containers {
  return {
    machine: () => engine.machine(),
    listDynos: ({ appId }) => engine.listDynos({ appId }),
    removeCache: (appId) => engine.removeCache(appId),
    async addSlug(slug, files) {
      const base = await toolbox.uploadImage()
      return (await appendSlug(engine, { base, labels: labelsOf(slug) }, files)).digest
    },
    async readSlug(image, signal) {
      const found = await engine.findImage(image)
      return found?.labels[label.server] === serverId ? engine.readImage(image, appDirectory, signal) : undefined
    },
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
