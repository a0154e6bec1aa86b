import { readFindings } from '../../doctor/saved.ts'
import { withoutPassword } from '../../model/backup-target.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { requireAdmin } from '../http/access.ts'
import { time } from '../http/shapes.ts'

/**
 * `GET /server/backups`: the newest backups of the server, as a process that may read their list
 * told some minutes ago, for an admin. Heroku has no such call.
 */
export function serverBackupsRoute(api: Api, { config }: Pick<ApiDeps, 'config'>): void {
  api.get('/server/backups', { config: { scope: 'global' } }, async (request) => {
    requireAdmin(request)
    const saved = await readFindings(config.paths.findings)
    return {
      backups: (saved?.backups ?? []).map(({ startedAt, endedAt, addedBytes, ...backup }) => ({
        ...backup,
        added_bytes: addedBytes,
        ended_at: endedAt === null ? null : time(new Date(endedAt)),
        started_at: time(new Date(startedAt)),
      })),
      checked_at: saved ? time(new Date(saved.checkedAt)) : null,
      target: config.backup ? withoutPassword(config.backup.repository) : null,
    }
  })
}
