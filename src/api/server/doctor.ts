import { readFindings } from '../../doctor/saved.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { requireAdmin } from '../http/access.ts'
import { time } from '../http/shapes.ts'

/**
 * `GET /server/doctor`: what a process of the server found of its machine in the last minutes, for
 * an admin. Heroku has no such call.
 */
export function doctorRoute(api: Api, { config }: Pick<ApiDeps, 'config'>): void {
  api.get('/server/doctor', { config: { scope: 'global' } }, async (request) => {
    requireAdmin(request)
    const saved = await readFindings(config.paths.findings)
    return { checked_at: saved ? time(new Date(saved.checkedAt)) : null, findings: saved?.findings ?? [] }
  })
}
