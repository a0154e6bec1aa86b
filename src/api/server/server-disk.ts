import type { AppId } from '../../model/ids.ts'
import { diskOf, type AppDiskDeps } from '../apps/app-disk.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { requireAdmin } from '../http/access.ts'
import { BackgroundLooks } from '../http/background-looks.ts'
import { time } from '../http/shapes.ts'

/** Milliseconds: each look reads the sizes of many files. */
const keep = 600_000

/**
 * `GET /server/disk`: what each app takes of the disk, for an admin. One app after the other is
 * looked at behind the answer. Heroku has no such call.
 */
export function serverDiskRoute(api: Api, deps: AppDiskDeps & Pick<ApiDeps, 'log'>): void {
  const { store, log } = deps
  const look = async (id: string) => {
    const app = store.apps.get(id as AppId)
    return app && diskOf(deps, app)
  }
  const disks = new BackgroundLooks({ look, keep, atOnce: 1, log })

  api.get('/server/disk', { config: { scope: 'global' } }, (request) => {
    requireAdmin(request)
    return store.apps.list().map(({ id, name }) => {
      const { value, at, isLooking } = disks.of(id)
      const looked = { is_looking: isLooking, looked_at: at === undefined ? null : time(new Date(at)) }
      return { app: { id, name }, disk: value ?? null, ...looked }
    })
  })
}
