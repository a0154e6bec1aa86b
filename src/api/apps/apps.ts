import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import type { AccountId } from '../../model/ids.ts'
import { destroyAddon } from '../../services/destroy-addon.ts'
import { isThere } from '../addons/find.ts'
import { appOf } from '../http/access.ts'
import { appJson } from './app-json.ts'
import { checkAppName, generateAppName } from './app-name.ts'
import { checkBranch } from './branch-name.ts'
import { placeAsked } from './place.ts'
import { cancelBuild } from '../builds/cancel-build.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'store' | 'quotas' | 'config' | 'queue' | 'log'>

const optionalName = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const newApp = Type.Object(
  { name: optionalName, region: optionalName, stack: optionalName, feature_flags: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
)
/** Not Heroku's: volumes go only if that is said. */
const destruction = Type.Object({ volumes: Type.Optional(Type.Literal('destroy')) })
const appChange = Type.Object(
  {
    name: Type.Optional(Type.String()),
    maintenance: Type.Optional(Type.Boolean()),
    build_stack: Type.Optional(Type.String()),
    deploy_branch: optionalName,
  },
  { additionalProperties: false },
)

const order = {
  name: (app: App) => app.name,
  id: (app: App) => app.id,
  updated_at: (app: App) => app.updatedAt.toISOString(),
}

export function appRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps', (request, reply) => {
    const { account } = request.identity
    const apps = store.apps.list(account.admin ? undefined : { usableBy: account.id })
    return page(request, reply, apps, order).map((app) => appJson(deps, app))
  })

  api.get('/users/~/apps', (request, reply) => {
    const apps = store.apps.list({ usableBy: request.identity.account.id })
    return page(request, reply, apps, order).map((app) => appJson(deps, app))
  })

  api.post('/apps', { schema: { body: newApp } }, async (request, reply) => {
    const { name } = request.body
    const asked = { name: name ?? undefined, stack: placeAsked(deps, request.body) }
    const app = createApp(deps, request.identity.account.id, asked)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    reply.code(201)
    return appJson(deps, app)
  })

  api.get('/apps/:app', (request) => appJson(deps, appOf(store, request)))

  api.patch('/apps/:app', { schema: { body: appChange } }, async (request, reply) => {
    const app = appOf(store, request, request.body.name === undefined ? 'deploy' : 'admin')
    const {
      name = app.name,
      maintenance = app.maintenance,
      deploy_branch: deployBranch = app.deployBranch,
    } = request.body
    if (name !== app.name) checkAppName(name)
    if (deployBranch !== null) checkBranch(deployBranch)
    const stack = placeAsked(deps, { stack: request.body.build_stack ?? app.stack })
    const changed = store.apps.update(app.id, { name, maintenance, deployBranch, stack })
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return appJson(deps, changed)
  })

  const destroying = { config: { role: 'admin' }, schema: { querystring: destruction } } as const
  api.delete('/apps/:app', destroying, async (request, reply) => {
    const app = appOf(store, request)
    if (request.query.volumes !== 'destroy') refuseWithVolumes(store, app)
    const { id, email } = request.identity.account
    // In the transaction that marks the app: a moment later the worker may have removed it and its
    // webhooks.
    const released = store.transaction(() => {
      store.apps.markDestroying(app.id)
      const used = store.addons.list(app.id).filter(isThere)
      const event = { appId: app.id, include: 'api:app', action: 'destroy', actor: { id, email } } as const
      store.webhookDeliveries.publish({ ...event, data: appJson(deps, app), previousData: {} })
      return used.flatMap((addon) => destroyAddon(store, addon, { account: request.identity.account, force: true }))
    })
    for (const { app: user } of released) await wake(deps, reply, { kind: 'converge', appId: user.id })
    for (const build of store.builds.listUnfinished(app.id)) await cancelBuild(deps, build)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return appJson(deps, app)
  })
}

/**
 * Who confirms that an app goes may not think of what it has written.
 * @throws confirmation_required
 */
function refuseWithVolumes({ volumes }: Deps['store'], { id, name }: App): void {
  const names = volumes.list(id).map((volume) => volume.name)
  if (names.length === 0) return
  const message = `${name} has volumes, whose data would go with it: ${names.join(', ')}.`
  throw new PaasError('confirmation_required', message, {
    hint: `Confirm that with: paas destroy ${name}. Or remove them first: paas volumes:destroy`,
  })
}

/** @throws account_limit, name_taken, invalid_params */
export function createApp(
  { store, quotas }: Pick<Deps, 'store' | 'quotas'>,
  ownerId: AccountId,
  { name, stack }: { name: string | undefined; stack: string },
): App {
  if (name !== undefined) checkAppName(name)
  quotas.checkApp(ownerId)
  for (let attempts = 1; ; attempts += 1) {
    try {
      return store.transaction(() => {
        const app = store.apps.create({ name: name ?? generateAppName(), ownerId, stack })
        store.audit.add({ app })
        return app
      })
    } catch (cause) {
      const unlucky = cause instanceof PaasError && cause.code === 'name_taken' && name === undefined && attempts < 10
      if (!unlucky) throw cause
    }
  }
}
