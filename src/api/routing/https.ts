import { Type } from 'typebox'
import type { App } from '../../model/app.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'queue' | 'platformLog' | 'log'>

/** Two years, as long as lists of browsers ask for. */
const longestHsts = 63_072_000
const change = Type.Object(
  {
    redirect: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
    hsts: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: longestHsts }), Type.Null()])),
  },
  { additionalProperties: false },
)

/** Whether visitors of an app are sent to HTTPS, and told to stay there. */
export function httpsRoutes(api: Api, deps: Deps): void {
  const { store, platformLog } = deps
  api.get('/apps/:app/https', (request) => appOf(store, request).https)

  api.patch('/apps/:app/https', { schema: { body: change } }, async (request, reply) => {
    const app = appOf(store, request)
    const https = { ...app.https, ...request.body }
    store.apps.update(app.id, { https })
    platformLog.api(app.id, `${describe(https)} by user ${request.identity.account.email}`)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return https
  })
}

function describe({ redirect, hsts }: App['https']): string {
  const usual = 'as is usual'
  return `Set HTTPS redirect ${redirect === null ? usual : redirect ? 'on' : 'off'}, HSTS ${hsts === null ? usual : `${hsts} s`}`
}
