import { appUrl, type App } from '../../model/app.ts'
import type { Build } from '../../model/build.ts'
import { isOneOff } from '../../model/dyno.ts'
import { ownCommit } from '../../model/slug.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { time } from '../http/shapes.ts'
import { userJson } from './app-json.ts'
import { RecentTraffic } from './recent-traffic.ts'

type Deps = Pick<ApiDeps, 'store' | 'config' | 'measured'>

const order = { name: (app: App) => app.name, id: (app: App) => app.id }

/**
 * What an app is doing now, in one look: what serves, its dynos, its last build and the last hour's
 * traffic. Heroku's API has no such thing; the list is for all apps that one may see.
 */
export function appSummaryRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const traffic = new RecentTraffic(deps.measured)

  api.get('/app-summaries', (request, reply) => {
    const { account } = request.identity
    const apps = store.apps.list(account.admin ? undefined : { usableBy: account.id })
    return Promise.all(page(request, reply, apps, order).map((app) => summaryJson(deps, traffic, app)))
  })

  api.get('/apps/:app/summary', (request) => summaryJson(deps, traffic, appOf(store, request)))
}

async function summaryJson({ store, config }: Deps, traffic: RecentTraffic, app: App): Promise<object> {
  const release = app.currentReleaseId ? store.releases.find(app.currentReleaseId) : undefined
  const slug = release?.slugId ? store.slugs.find(release.slugId) : undefined
  const build = store.builds.newest(app.id)
  const dynos = dynosOf(store, app)
  return {
    app: { id: app.id, name: app.name },
    build: build ? buildSummary(store, build) : null,
    dynos,
    maintenance: app.maintenance,
    owner: userJson(store, app.ownerId),
    release: release
      ? {
          commit: ownCommit(slug, app.id) ?? null,
          created_at: time(release.createdAt),
          description: release.description,
          id: release.id,
          user: userJson(store, release.accountId),
          version: release.version,
        }
      : null,
    state: stateOf(app, dynos),
    traffic: await traffic.of(app.id),
    web_url: `${appUrl(config.publicUrl, app.name)}/`,
  }
}

type Dynos = { wanted: number; up: number; starting: number; crashed: number; down: number }

function dynosOf(store: Deps['store'], { id }: App): Dynos {
  const seen = store.dynoStates.list(id).filter((dyno) => !isOneOff(dyno))
  const count = (state: string): number => seen.filter((dyno) => dyno.state === state).length
  const wanted = store.formations.list(id).reduce((sum, { quantity }) => sum + quantity, 0)
  return { wanted, up: count('up'), starting: count('starting'), crashed: count('crashed'), down: count('down') }
}

/** In a word, the most pressing first. */
function stateOf(app: App, { wanted, up, crashed }: Dynos): string {
  if (app.currentReleaseId === null) return 'empty'
  if (app.maintenance) return 'maintenance'
  if (crashed > 0) return 'crashed'
  if (wanted === 0) return 'stopped'
  return up >= wanted ? 'up' : up > 0 ? 'starting' : 'down'
}

function buildSummary(store: Deps['store'], build: Build): object {
  const { state } = build
  return {
    commit: build.source ? null : build.commit,
    created_at: time(build.createdAt),
    finished_at: 'finishedAt' in state ? time(state.finishedAt) : null,
    id: build.id,
    state: state.kind,
    user: userJson(store, build.accountId),
  }
}
