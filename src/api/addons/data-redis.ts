import { Type } from 'typebox'
import { newPassword, type Addon } from '../../model/addon.ts'
import type { Api } from '../deps.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { PaasError } from '../../errors.ts'
import { ask, checkReady, databaseOf, infoOf, waitStatus, type DataDeps } from './data.ts'

const service = 'heroku-redis'
const config = { scope: 'protected' } as const

const options = Type.Object(
  {
    maxmemory_policy: Type.Optional(Type.String({ maxLength: 40 })),
    timeout: Type.Optional(Type.Integer({ minimum: 0, maximum: 99_999_999 })),
    notify_keyspace_events: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
)

/** What the policies do, as Heroku's command goes on: `noeviction returns errors …`. */
const policies: Record<string, string> = {
  noeviction: 'returns errors when the limit of memory is reached',
  'allkeys-lfu': 'removes the keys that are used least often first',
  'volatile-lfu': 'removes the keys with an expiry that are used least often first',
  'allkeys-lru': 'removes the keys that were not used for longest first',
  'volatile-lru': 'removes the keys with an expiry that were not used for longest first',
  'allkeys-random': 'removes random keys',
  'volatile-random': 'removes random keys with an expiry',
  'volatile-ttl': 'removes the keys that expire first',
}

/** What `heroku redis:*` asks of Heroku's data API, as far as it is here. */
export function redisRoutes(api: Api, deps: DataDeps): void {
  const { store } = deps
  const database = '/redis/v0/databases/:database'

  api.get(database, { config }, async (request) => {
    const addon = databaseOf(deps, request, service)
    checkReady(addon)
    const info = await infoOf(deps, addon, request.signal)
    const lines = info.map(({ name, values }) => ({ name, values: values.join(', ') }))
    // Heroku's command speaks without TLS to what it calls a hobby plan only.
    const plan = `hobby-${addon.plan}`
    const { URL: url = '' } = store.addons.secrets(addon.id).config
    return { created_at: time(addon.createdAt), info: lines, plan, prefer_native_tls: false, resource_url: url }
  })

  api.patch(`${database}/config`, { config, schema: { body: options } }, async (request) => {
    const [[name, value] = [], ...others] = Object.entries(request.body)
    if (name === undefined || value === undefined || others.length > 0) {
      throw new PaasError('invalid_params', 'Set one of maxmemory_policy, timeout, notify_keyspace_events.')
    }
    const { id } = ready(databaseOf(deps, request, service))
    const env = { NAME: name, VALUE: String(value) }
    return configJson(await deps.containers.runProgram({ id, program: 'configure', env }, request.signal))
  })

  api.get(`${database}/config`, { config }, async (request) => {
    const { id } = ready(databaseOf(deps, request, service))
    return configJson(await deps.containers.runProgram({ id, program: 'configure', env: {} }, request.signal))
  })

  api.post(`${database}/upgrade`, (request) => {
    const { name } = databaseOf(deps, request, service)
    throw new PaasError('invalid_params', `${name} runs the newest version that this server has.`)
  })

  api.get(`${database}/wait`, (request) => waitStatus(databaseOf(deps, request, service, 'view')))

  api.post(`${database}/credentials_rotation`, async (request, reply) => {
    const addon = databaseOf(deps, request, service)
    ask(deps, addon, 'rotate', newPassword())
    await wake(deps, reply, { kind: 'addons' })
    return { message: `The password of ${addon.name} is being changed.` }
  })
}

function ready(addon: Addon): Addon {
  checkReady(addon)
  return addon
}

/** From lines of `name<TAB>value`. */
function configJson(printed: string): object {
  const pairs = printed.split('\n').flatMap((line) => {
    const [name = '', value = ''] = line.split('\t')
    return name === '' ? [] : [[name, value] as const]
  })
  return Object.fromEntries(
    pairs.map(([name, value]) => [
      name,
      { value: name === 'timeout' ? Number(value) : value, ...(name === 'maxmemory_policy' && { values: policies }) },
    ]),
  )
}
