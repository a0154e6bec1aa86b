import packageJson from '../../../package.json' with { type: 'json' }
import type { Api, ApiDeps } from '../deps.ts'
import { requireAdmin } from '../http/access.ts'
import { gatherFigures } from './server-metrics.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'measured' | 'config' | 'log'>

/** `GET /server/status`: how the server is, for an admin who looks. Heroku has no call for it. */
export function serverStatusRoute(api: Api, deps: Deps): void {
  const { store } = deps
  api.get('/server/status', { config: { scope: 'global' } }, async (request) => {
    requireAdmin(request)
    const { api: own, router, worker, gate, queue, supervisor, builds } = await gatherFigures(deps)
    const processes = [
      ['api', own.memory],
      ['router', router?.process.memory],
      ['worker', worker?.process.memory],
      // Not every server has one.
      ...(gate === null ? [] : [['gate', gate?.memory] as const]),
      ['redis', queue?.memory],
      ['supervisor', supervisor],
    ] as const
    return {
      version: packageJson.version,
      processes: processes.map(([name, memory]) => ({ name, up: memory !== undefined, memory_bytes: memory ?? null })),
      builds: { pending: builds['pending'] ?? 0, running: builds['running'] ?? 0 },
      apps: store.apps.list().length,
      accounts: store.accounts.list().length,
    }
  })
}
