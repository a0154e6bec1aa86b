import { join } from 'node:path'
import { treeBytes } from '../../build/trees.ts'
import { bytesBelow } from '../../source/disk-space.ts'
import type { AppDisk } from '../../containers/containers.ts'
import type { App } from '../../model/app.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'

export type AppDiskDeps = Pick<ApiDeps, 'store' | 'containers' | 'config'> & {
  repositories: Pick<ApiDeps['repositories'], 'bytesOf'>
}

/** `GET /apps/:app/disk`: bytes that would be free without the app. Heroku has no call for it. */
export function appDiskRoute(api: Api, deps: AppDiskDeps): void {
  api.get('/apps/:app/disk', (request) => diskOf(deps, appOf(deps.store, request)))
}

export async function diskOf(deps: AppDiskDeps, app: App) {
  const { images, cacheBytes } = await deps.containers.diskOf(app.id)
  const [repository, logs] = await Promise.all([
    deps.repositories.bytesOf([app.id]),
    bytesBelow(join(deps.config.paths.logs, app.id)),
  ])
  const imageBytes = bytesOfImages(deps, app, images)
  const volumes = deps.store.volumes.list(app.id).map(({ name, bytes }) => ({ name, used_bytes: bytes }))
  const volumeBytes = volumes.reduce((sum, { used_bytes: bytes }) => sum + (bytes ?? 0), 0)
  return {
    app: { id: app.id, name: app.name },
    image_bytes: imageBytes,
    cache_bytes: cacheBytes,
    repository_bytes: repository,
    log_bytes: logs,
    volumes,
    total_bytes: imageBytes + (cacheBytes ?? 0) + repository + logs + volumeBytes,
  }
}

/**
 * Of the layers that only this app has: of an image with a slug its own, and of each tree of
 * dependencies one in each of its two images. Of a Dockerfile's image all counts.
 */
function bytesOfImages({ store }: AppDiskDeps, { id }: App, images: AppDisk['images']): number {
  const slugs = new Map(store.slugs.list(id).map(({ image, size }) => [image as string, size]))
  const own = images.map((image) => {
    const size = slugs.get(image.digest)
    return size === undefined ? treeBytes(image) : Math.max(0, size - treeBytes(image))
  })
  return own.reduce((sum, bytes) => sum + bytes, 0)
}
