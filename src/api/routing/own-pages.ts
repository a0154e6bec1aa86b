import { markOfAddress, pageAddresses, pageVars, type OwnPage, type PageKind } from '../../model/own-page.ts'
import type { App } from '../../model/app.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'log'>

/** What an app shows in place of the router's pages. Heroku has no call for it. */
export function ownPageRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/pages', (request) => pagesOf(deps, appOf(store, request)))

  api.post('/apps/:app/pages/refresh', async (request, reply) => {
    const app = appOf(store, request)
    store.ownPages.expire(app.id)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    reply.code(202)
    return pagesOf(deps, app)
  })
}

function pagesOf({ store }: Deps, { id }: App): object[] {
  const records = store.ownPages.list(id)
  return pageAddresses(store.configVars.get(id)).map(({ kind, url }) =>
    pageJson(
      kind,
      records.find((one) => one.kind === kind),
      markOfAddress(url),
    ),
  )
}

function pageJson(kind: PageKind, record: OwnPage | undefined, wanted: string): object {
  const isCurrent = record?.asked === wanted
  return {
    kind,
    config_var: pageVars[kind],
    status: isCurrent ? (record.problem === null ? 'shown' : 'failed') : 'pending',
    bytes: record?.shown?.bytes ?? null,
    fetched_at: record?.shown?.fetchedAt ?? null,
    asked_at: record?.askedAt ?? null,
    problem: isCurrent ? record.problem : null,
  }
}
