import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import { newPassword, type Addon } from '../../model/addon.ts'
import type { Api } from '../deps.ts'
import { time, uuidOf } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { ask, checkReady, databaseOf, infoOf, waitStatus, type DataDeps } from './data.ts'
import { upgradeOf, upgradeRoutes } from './upgrades.ts'

const service = 'heroku-postgresql'
const config = { scope: 'protected' } as const
const database = '/client/v11/databases/:database'
const reset = Type.Object({ extensions: Type.Optional(Type.Unknown()) }, { additionalProperties: false })

/** What `heroku pg:*` asks of Heroku's data API (HEROKU_DATA_HOST), as far as it is here. */
export function postgresRoutes(api: Api, deps: DataDeps): void {
  const { store } = deps
  const credentials = '/postgres/v0/databases/:database/credentials'

  api.get(database, { config }, async (request) => {
    const addon = databaseOf(deps, request, service)
    checkReady(addon)
    const info = await infoOf(deps, addon, request.signal)
    const { URL: url = '' } = store.addons.secrets(addon.id).config
    return {
      addon: addon.name,
      app: store.apps.get(addon.appId)?.name ?? '',
      ...namesOf(addon),
      info,
      resource_url: url,
    }
  })

  api.get(`${database}/wait_status`, (request) => {
    const addon = databaseOf(deps, request, service, 'view')
    return upgradeOf(deps, addon) ?? waitStatus(addon)
  })

  api.put(`${database}/reset`, { schema: { body: reset } }, async (request, reply) => {
    const addon = databaseOf(deps, request, service)
    if (Array.isArray(request.body.extensions) && request.body.extensions.length > 0) {
      throw new PaasError('invalid_params', 'Extensions are not pre-installed here: type CREATE EXTENSION in pg:psql.')
    }
    ask(deps, addon, 'reset')
    await wake(deps, reply, { kind: 'addons' })
    return { message: `${addon.name} is being reset.` }
  })

  connectionRoutes(api, deps)
  upgradeRoutes(api, deps)

  api.get(credentials, { config }, (request) => [credentialJson(deps, databaseOf(deps, request, service))])

  api.get(`${credentials}/:name`, { config }, (request) => {
    checkCredential((request.params as { name: string }).name)
    return credentialJson(deps, databaseOf(deps, request, service))
  })

  for (const path of [`${credentials}_rotation`, `${credentials}/:name/credentials_rotation`]) {
    api.post(path, async (request, reply) => {
      checkCredential((request.params as { name?: string }).name ?? 'default')
      const addon = databaseOf(deps, request, service)
      ask(deps, addon, 'rotate', newPassword())
      await wake(deps, reply, { kind: 'addons' })
      return { message: `The password of ${addon.name} is being changed.` }
    })
  }
}

function connectionRoutes(api: Api, deps: DataDeps): void {
  api.post(`${database}/connection_reset`, { config }, async (request) => {
    const addon = databaseOf(deps, request, service)
    checkReady(addon)
    await deps.containers.runProgram({ id: addon.id, program: 'disconnect', env: {} }, request.signal)
    return { message: `The connections to ${addon.name} were ended.` }
  })
}

function namesOf({ plan, version, createdAt }: Addon): object {
  return {
    plan,
    created_at: time(createdAt),
    following: null,
    forked_from: null,
    num_bytes: null,
    postgres_version: version,
  }
}

/** @throws not_found */
function checkCredential(name: string): void {
  if (name === 'default') return
  throw new PaasError(
    'not_found',
    `There is no credential ${JSON.stringify(name.slice(0, 60))}; there is the default one.`,
  )
}

function credentialJson({ store }: DataDeps, addon: Addon): object {
  checkReady(addon)
  const { user, password, database } = store.addons.secrets(addon.id)
  return {
    uuid: uuidOf(`credential ${addon.id}`),
    name: 'default',
    state: addon.state.kind === 'provisioned' && addon.state.work === 'rotate' ? 'rotating' : 'active',
    database,
    host: addon.host,
    port: 5432,
    credentials: [{ user, password, state: 'active', connections: null }],
  }
}
