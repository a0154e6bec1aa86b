import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Addon } from '../../model/addon.ts'
import { serviceNamed } from '../../model/service.ts'
import type { Api } from '../deps.ts'
import { appNamed, appOf } from '../http/access.ts'
import { page } from '../http/page.ts'
import { wake } from '../http/wake.ts'
import { addonJson } from './addon-json.ts'
import { keyOf, sayAndWake } from './attachments.ts'
import { createAddon, checkAddonName, extrasAsked } from '../../services/create-addon.ts'
import { checkSameVersion } from '../../services/versions.ts'
import type { DataDeps } from './data.ts'
import { servicesOf, type AddonDeps } from './deps.ts'
import { destroyAddon } from '../../services/destroy-addon.ts'
import { addonIn, addonOf, addonsSeen, isThere } from './find.ts'
import { planAsked } from '../../services/asked.ts'
import { planName } from './services.ts'

const closed = { additionalProperties: false }
const name = Type.String({ maxLength: 200 })
const orNull = Type.Optional(Type.Union([name, Type.Null()]))
const plan = Type.Union([name, Type.Object({ name: Type.Optional(name), id: Type.Optional(name) }, closed)])
const options = Type.Record(Type.String(), Type.Union([Type.String(), Type.Boolean(), Type.Number()]))
const newAddon = Type.Object(
  {
    plan,
    attachment: Type.Optional(Type.Object({ name: orNull }, closed)),
    config: Type.Optional(options),
    confirm: orNull,
    name: orNull,
  },
  closed,
)
/** `config` is ours: more that the service has, such as PostGIS. */
const change = Type.Object(
  { plan: Type.Optional(plan), name: Type.Optional(name), config: Type.Optional(options) },
  closed,
)
const destruction = Type.Object(
  { force: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])), confirm: orNull },
  closed,
)

const order = { name: ({ name: called }: Addon) => called }

export function addonRoutes(api: Api, deps: DataDeps): void {
  const { store } = deps
  const list = (request: FastifyRequest, reply: FastifyReply, all: Addon[]): object[] => {
    const told = { store, services: servicesOf(deps), request }
    return page(request, reply, all, order).map((addon) => addonJson(told, addon))
  }
  const one = (request: FastifyRequest, addon: Addon) =>
    addonJson({ store, services: servicesOf(deps), request }, addon)

  api.get('/addons', (request, reply) => list(request, reply, addonsSeen(store, request)))

  api.get('/addons/:addon', (request) => one(request, addonOf(store, request)))

  api.get('/apps/:app/addons', (request, reply) => {
    const app = appOf(store, request)
    return list(request, reply, store.addons.list(app.id).filter(isThere))
  })

  api.get('/apps/:app/addons/:addon', (request) => one(request, addonIn(store, request, appOf(store, request))))

  api.post('/apps/:app/addons', { schema: { body: newAddon } }, async (request, reply) => {
    const app = appOf(store, request)
    const { body, identity } = request
    const services = servicesOf(deps)
    const addon = createAddon({ store, services, config: deps.config }, app, {
      plan: planName(services, keyOf(body.plan)),
      as: body.attachment?.name ?? undefined,
      options: body.config,
      confirm: body.confirm ?? undefined,
      name: body.name ?? undefined,
      accountId: identity.account.id,
    })
    await wake(deps, reply, { kind: 'addons' })
    reply.code(201)
    return one(request, addon)
  })

  api.patch('/apps/:app/addons/:addon', { schema: { body: change } }, async (request, reply) => {
    const app = appOf(store, request)
    const addon = addonIn(store, request, app)
    appNamed(store, request, { idOrName: addon.appId, needed: 'deploy' })
    if (request.body.name !== undefined) checkAddonName(request.body.name)
    const plan = request.body.plan === undefined ? addon.plan : otherPlan(deps, addon, keyOf(request.body.plan))
    if (plan !== addon.plan) await checkFits(deps, addon, plan, request.signal)
    const extras = [...new Set([...addon.extras, ...moreAsked(deps, addon, request.body.config)])]
    const changed = store.addons.update(addon.id, { name: request.body.name ?? addon.name, plan, extras })
    await wake(deps, reply, { kind: 'addons' })
    return one(request, changed)
  })

  api.delete(
    '/apps/:app/addons/:addon',
    { config: { role: 'admin' }, schema: { body: destruction } },
    async (request, reply) => {
      const app = appOf(store, request)
      const addon = addonIn(store, request, app)
      appNamed(store, request, { idOrName: addon.appId, needed: 'admin' })
      const told = { ...one(request, addon), state: 'deprovisioned' }
      const released = destroyAddon(store, addon, { account: request.identity.account, force: !!request.body.force })
      for (const { app: user, release } of released) await sayAndWake(deps, { request, reply, app: user, release })
      await wake(deps, reply, { kind: 'addons' })
      return told
    },
  )

  api.get('/addons/:addon/config', { config: { scope: 'protected' } }, (request, reply) => {
    const { config } = store.addons.secrets(addonOf(store, request, 'deploy').id)
    const vars = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    return page(request, reply, vars, { name: (one) => one.name })
  })
}

/** @throws invalid_params where it holds more than the plan has room for */
async function checkFits(deps: DataDeps, addon: Addon, name: string, signal: AbortSignal): Promise<void> {
  if (addon.state.kind !== 'provisioned') return
  const service = servicesOf(deps).find((one) => one.name === addon.service)
  const plan = service?.plans.find((one) => one.name === name)
  if (!plan || plan.diskMiB === 0) return
  const { diskBytes } = await deps.containers.addonFigures(addon.id, signal)
  const used = Math.ceil((diskBytes ?? 0) / 2 ** 20)
  if (used <= plan.diskMiB) return
  throw new PaasError('invalid_params', `${addon.name} uses ${used} MiB of disk; ${name} has ${plan.diskMiB} MiB.`, {
    hint: 'Delete what nobody needs, or choose a larger plan.',
  })
}

/** @throws invalid_params */
function moreAsked(deps: AddonDeps, addon: Addon, config: Record<string, string | boolean | number> = {}): string[] {
  const service = serviceNamed(servicesOf(deps), addon.service)
  if (!service) return []
  checkSameVersion(addon, service, config['version'])
  return extrasAsked(service, config)
}

/** @throws invalid_params for another service's */
function otherPlan(deps: AddonDeps, addon: Addon, asked: string): string {
  const services = servicesOf(deps)
  const name = planName(services, asked)
  const { service, plan: wanted } = planAsked(services, name.includes(':') ? name : `${addon.service}:${name}`)
  if (service.name === addon.service) return wanted.name
  throw new PaasError('invalid_params', `${addon.name} is of ${addon.service}; ${asked} is a plan of another service.`)
}
