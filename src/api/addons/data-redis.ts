import { newPassword } from '../../model/addon.ts'
import type { Api } from '../deps.ts'
import { time } from '../http/shapes.ts'
import { wake } from '../http/wake.ts'
import { ask, checkReady, databaseOf, infoOf, waitStatus, type DataDeps } from './data.ts'

const service = 'heroku-redis'
const config = { scope: 'protected' } as const

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

  api.get(`${database}/wait`, (request) => waitStatus(databaseOf(deps, request, service, 'view')))

  api.post(`${database}/credentials_rotation`, async (request, reply) => {
    const addon = databaseOf(deps, request, service)
    ask(deps, addon, 'rotate', newPassword())
    await wake(deps, reply, { kind: 'addons' })
    return { message: `The password of ${addon.name} is being changed.` }
  })
}
