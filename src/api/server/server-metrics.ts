import type { Logger } from '../../log.ts'
import { requireAdmin } from '../http/access.ts'
import { servicesOf } from '../addons/deps.ts'
import type { Api, ApiDeps } from '../deps.ts'
import type { ServerFigures } from './metric-families.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'measured' | 'config' | 'log'>

/**
 * Milliseconds that each process has to answer: a scrape must end before Prometheus times out (10
 * s).
 */
const patience = 5_000

/**
 * `GET /metrics`: everything about the server as Prometheus reads it, for an admin. A part that
 * does not answer is told as down.
 */
export function serverMetricsRoute(api: Api, deps: Deps): void {
  api.get('/metrics', async (request, reply) => {
    requireAdmin(request)
    const figures = await gatherFigures(deps)
    // Loaded at the first scrape, so that a server without Prometheus saves the memory.
    const [{ expose }, { familiesOf }] = await Promise.all([
      import('../../metrics/exposition.ts'),
      import('./metric-families.ts'),
    ])
    const { contentType, text } = await expose(familiesOf(figures))
    reply.type(contentType)
    return text
  })
}

/** What each part of the server tells of itself now. */
export async function gatherFigures(deps: Deps): Promise<ServerFigures> {
  const { store, queue, measured, log } = deps
  const ask = <T>(part: string, figures: Promise<T | undefined>) => inTime(part, figures, log)
  const [router, worker, gate, queued, supervisor] = await Promise.all([
    ask('router', measured.router.totals()),
    ask('worker', measured.worker()),
    ask('gate', measured.gate()),
    ask('redis', queue.figures()),
    ask('supervisor', measured.supervisorMemory()),
  ])
  const addons = store.addons.list().filter(({ state }) => state.kind === 'provisioned')
  return {
    names: new Map(store.apps.listAll().map(({ id, name }) => [id, name])),
    volumes: store.volumes.listAll(),
    addons: addons.map((addon) => ({ ...addon, use: worker?.addons[addon.id] })),
    services: addons.length === 0 ? [] : servicesOf(deps),
    builds: store.builds.countStates(),
    api: measured.own(),
    router,
    worker,
    gate,
    queue: queued,
    supervisor,
  }
}

async function inTime<T>(part: string, figures: Promise<T | undefined>, log: Logger): Promise<T | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience)
  try {
    return await Promise.race([figures, late])
  } catch (cause) {
    log.warn({ err: cause, part }, 'a part of the server did not say what it counted')
    return undefined
  } finally {
    clearTimeout(timer)
    figures.catch(() => undefined)
  }
}
