import type { FigureEntry } from '../../../src/model/figures.ts'
import { pino } from 'pino'
import type { AppId } from '../../../src/model/ids.ts'
import type { AppRoute, RoutingTable, Target } from '../../../src/model/route.ts'
import { defaultLimits, type RouterLimits } from '../../../src/router/limits.ts'
import { Origins, type OriginsConfig } from '../../../src/router/origin.ts'
import type { PageCache } from '../../../src/router/page-cache.ts'
import { Router } from '../../../src/router/router.ts'

/** `entries` are the figures it wrote. */
export type TestRouter = AsyncDisposable & { router: Router; port: number; lines: string[]; entries: FigureEntry[] }

export type RouterOptions = {
  limits?: Partial<RouterLimits>
  table?: Partial<RoutingTable>
  routes?: AppRoute[]
  origins?: Partial<OriginsConfig>
  tlsPort?: number
  pages?: PageCache
}

/** A router on a free port; `lines` are what it told the apps' logs. */
export async function startRouter({
  limits,
  table,
  routes = [],
  origins,
  tlsPort,
  pages,
}: RouterOptions = {}): Promise<TestRouter> {
  const lines: string[] = []
  const entries: FigureEntry[] = []
  const router = new Router({
    table: { controlHost: 'paas.test', controlSocket: '/nonexistent/api.sock', routes, ...table },
    limits: { ...defaultLimits, ...limits },
    appLog: { write: (_, { text }) => void lines.push(text) },
    figures: { write: (_, entry) => void entries.push(entry) },
    log: pino({ enabled: false }),
    tlsPort,
    ...(pages && { pages }),
    origins: new Origins({ trustedProxies: [], publicUrl: undefined, ...origins }),
  })
  const port = await router.listen({ port: 0, shared: false })
  return {
    router,
    port,
    lines,
    entries,
    [Symbol.asyncDispose]: () => router.stop({ milliseconds: 0, idle: 'close' }),
  }
}

/** The route of an app at `app.test`, up when it has targets. */
export function route(targets: Pick<Target, 'port'>[], fields: Partial<AppRoute> = {}): AppRoute {
  return {
    appId: 'app-1' as AppId,
    app: 'app',
    hosts: ['app.test'],
    state: 'up',
    targets: targets.map(({ port }, i) => ({
      id: `t${port}`,
      dyno: `web.${i + 1}`,
      release: 1,
      host: '127.0.0.1',
      port,
    })),
    ...fields,
  }
}
