import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { appJson } from '../apps/app-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { appOf } from '../http/access.ts'
import { wake } from '../http/wake.ts'
import { isManaged, managedJson } from './managed-json.ts'

type Deps = Pick<ApiDeps, 'store' | 'config' | 'queue' | 'platformLog' | 'log'>

const refresh = Type.Object({ acm_refresh: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
const nothing = Type.Object({}, { additionalProperties: false })

/** Certificates that come by themselves: whether an app's domains get them, and how they are. */
export function acmRoutes(api: Api, deps: Deps): void {
  const { store, config, platformLog } = deps
  const tell = (app: App, what: string, email: string): void =>
    platformLog.api(app.id, `${what} automatic certificates by user ${email}`)

  api.get('/apps/:app/acm', (request) => {
    const app = appOf(store, request)
    return {
      available: config.acme !== undefined,
      certificates: store.managedCertificates.list(app.id).map(managedJson),
      enabled: isManaged(config, app),
    }
  })

  for (const [method, acm] of [
    ['POST', true],
    ['DELETE', false],
  ] as const) {
    api.route({
      method,
      url: '/apps/:app/acm',
      schema: { body: nothing },
      handler: async (request, reply) => {
        checkAvailable(deps)
        const app = store.apps.update(appOf(store, request).id, { acm })
        tell(app, acm ? 'Enable' : 'Disable', request.identity.account.email)
        await wake(deps, reply, { kind: 'certificates' })
        return appJson(deps, app)
      },
    })
  }

  api.patch('/apps/:app/acm', { schema: { body: refresh } }, async (request, reply) => {
    const app = appOf(store, request)
    checkAvailable(deps)
    if (!app.acm) {
      throw new PaasError('invalid_params', `${app.name} gets no certificates by itself.`, {
        hint: `Turn them on with: paas certs:auto:enable -a ${app.name}`,
      })
    }
    tell(app, 'Refresh', request.identity.account.email)
    tryNow(deps, app)
    await wake(deps, reply, { kind: 'certificates' })
    return appJson(deps, app)
  })
}

/** What an authority asked to wait for is waited for. */
function tryNow({ store }: Deps, app: App): void {
  for (const { id, state, failures } of store.managedCertificates.list(app.id)) {
    if (state.kind !== 'failing' || state.fault === 'limit') continue
    store.managedCertificates.setState(id, state, { failures, nextAt: new Date() })
  }
}

/** @throws invalid_params, with an alternative */
function checkAvailable({ config }: Deps): void {
  if (config.acme !== undefined) return
  throw new PaasError(
    'invalid_params',
    'This server does not request certificates: its operator has set neither PAAS_ACME_EMAIL nor PAAS_ACME_DIRECTORY.',
    { hint: 'Add a certificate of your own with: paas certs:add CERTIFICATE KEY' },
  )
}
