import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { Account } from '../../model/account.ts'
import type { App } from '../../model/app.ts'
import { processTypePattern, type DynoSize, type Formation } from '../../model/formation.ts'
import { checkAlone } from '../../model/volume.ts'
import type { Store } from '../../store/store.ts'
import { appOf } from '../http/access.ts'
import { commandsOf } from './commands.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { parseDynoSize } from './dyno-size.ts'
import { checkMachine } from './machine-lack.ts'
import { page } from '../http/page.ts'
import { named, sizeName, time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'quotas' | 'containers' | 'queue' | 'platformLog' | 'log'>

const sizeReference = Type.Union([
  Type.String(),
  Type.Object({ name: Type.Optional(Type.String()), id: Type.Optional(Type.String()) }),
])
/**
 * `quantity` is a number, or text as Heroku's CLI sends it: `"2"`, and `"+1"` or `"-1"` for a
 * change.
 */
const change = {
  quantity: Type.Optional(Type.Union([Type.Integer(), Type.String({ pattern: '^[+-]?\\d{1,9}$' })])),
  size: Type.Optional(sizeReference),
  dyno_size: Type.Optional(sizeReference),
}
const oneChange = Type.Object(change, { additionalProperties: false })
const update = Type.Object({ ...change, type: Type.String() }, { additionalProperties: false })
const batch = Type.Object(
  { updates: Type.Array(update, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
)

/** Types of an app that are scaled before its first deploy. */
const mostTypes = 100

type Update = Static<typeof update>

export function formationRoutes(api: Api, deps: Deps): void {
  const { store } = deps

  api.get('/apps/:app/formation', (request, reply) => {
    const app = appOf(store, request)
    const formations = store.formations.list(app.id)
    const order = { type: (formation: Formation) => formation.type, id: (formation: Formation) => formation.id }
    return page(request, reply, formations, order).map((formation) => formationJson(store, app, formation))
  })

  api.get('/apps/:app/formation/:type', (request) => {
    const app = appOf(store, request)
    return formationJson(store, app, formationOf(store, app, typeOf(request)))
  })

  api.patch('/apps/:app/formation', { schema: { body: batch } }, async (request, reply) => {
    const app = appOf(store, request)
    await checkMachine(deps, request.body.updates.flatMap(wantedSizes), reply)
    const changed = scale(deps, app, request.identity.account, request.body.updates)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return changed.map((formation) => formationJson(store, app, formation))
  })

  api.patch('/apps/:app/formation/:type', { schema: { body: oneChange } }, async (request, reply) => {
    const app = appOf(store, request)
    const updates = [{ ...request.body, type: typeOf(request) }]
    await checkMachine(deps, updates.flatMap(wantedSizes), reply)
    const changed = scale(deps, app, request.identity.account, updates)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    return changed.map((formation) => formationJson(store, app, formation))[0]
  })
}

/**
 * All or nothing; returns the formations that were named.
 * @throws not_found, invalid_params, account_limit
 */
function scale(deps: Deps, app: App, account: Account, updates: Update[]): Formation[] {
  const { store, platformLog } = deps
  const changed = withinLimit(deps, app, () =>
    updates.map((wanted) => {
      const present = toScale(store, app, wanted.type)
      const [size] = wantedSizes(wanted)
      const quantity = quantityOf(present, wanted)
      checkAlone(store.volumes.list(app.id), { type: present.type, quantity })
      store.formations.scale(app.id, [{ type: present.type, quantity, ...(size ? { size } : {}) }])
      return formationOf(store, app, present.type)
    }),
  )
  const text = changed.map(({ type, quantity, size }) => `${type}@${quantity}:${sizeName(size)}`).join(' ')
  platformLog.api(app.id, `Scaled to ${text} by user ${account.email}`)
  return changed
}

/** Changes how many dynos an app has, unless its owner would have too many more. */
function withinLimit<T>({ store, quotas }: Deps, app: App, change: () => T): T {
  const total = (): number => store.formations.list(app.id).reduce((sum, { quantity }) => sum + quantity, 0)
  return store.transaction(() => {
    const before = total()
    const result = change()
    if (total() > before) quotas.checkDynos(app, 0)
    return result
  })
}

function quantityOf({ quantity: present, type }: Formation, { quantity: wanted = present }: Update): number {
  const relative = typeof wanted === 'string' && /^[+-]/.test(wanted)
  const quantity = relative ? present + Number(wanted) : Number(wanted)
  if (quantity >= 0 && quantity <= 100) return quantity
  throw new PaasError('invalid_params', `The quantity of ${type} would be ${quantity}; it must be from 0 to 100.`)
}

/** At most one; without it the size stays. */
function wantedSizes({ dyno_size, size = dyno_size }: Update): DynoSize[] {
  if (size === undefined) return []
  return [parseDynoSize(typeof size === 'string' ? size : (size.name ?? size.id ?? ''))]
}

function typeOf(request: FastifyRequest): string {
  return (request.params as { type: string }).type
}

/** Before the first deploy any type may be scaled: what the app will have is not known yet. */
function toScale({ formations }: Deps['store'], app: App, typeOrId: string): Formation {
  const all = formations.list(app.id)
  const isKnown = all.some(({ type, id }) => type === typeOrId || id === typeOrId)
  if (isKnown || app.currentReleaseId !== null) return formationOf({ formations }, app, typeOrId)
  if (!processTypePattern.test(typeOrId)) {
    throw new PaasError('invalid_params', `${JSON.stringify(typeOrId.slice(0, 200))} is not a valid process type.`, {
      hint: 'It has up to 128 letters, digits, "-" and "_".',
    })
  }
  if (all.length < mostTypes) return formations.add(app.id, typeOrId)
  throw new PaasError('invalid_params', `${mostTypes} process types, the limit, are scaled before the first deploy.`)
}

function formationOf({ formations }: Pick<Deps['store'], 'formations'>, app: App, typeOrId: string): Formation {
  const all = formations.list(app.id)
  const found = all.find((formation) => formation.type === typeOrId || formation.id === typeOrId)
  if (found) return found
  const types = all.map((formation) => formation.type).join(', ')
  throw new PaasError('not_found', `${app.name} has no process type ${JSON.stringify(typeOrId)}.`, {
    hint: types ? `It has: ${types}.` : 'It has none before its first deploy.',
  })
}

export function formationJson(store: Pick<Store, 'releases' | 'slugs'>, app: App, formation: Formation): object {
  const size = sizeName(formation.size)
  return {
    app: { id: app.id, name: app.name },
    command: commandsOf(store, app.currentReleaseId)[formation.type] ?? '',
    created_at: time(formation.createdAt),
    dyno_size: named('dyno size', size),
    id: formation.id,
    quantity: formation.quantity,
    size,
    type: formation.type,
    updated_at: time(formation.updatedAt),
  }
}
