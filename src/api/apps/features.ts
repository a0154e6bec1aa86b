import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import { features, type Feature } from '../../model/feature.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { wake } from '../http/wake.ts'
import { time, uuidOf } from '../http/shapes.ts'

const change = Type.Object({ enabled: Type.Boolean() }, { additionalProperties: false })
const order = { name: (feature: Feature) => feature.name, id: idOf }

/** What `heroku ps:exec` and its like turn on first. */
const noExec =
  'ps:exec, ps:copy, ps:forward and ps:socks are not available. Get a shell in a running dyno with: paas ps:exec. In a new one-off dyno: heroku run bash'

/** What an app may turn on and off. Accounts have no features here. */
export function featureRoutes(api: Api, deps: Pick<ApiDeps, 'store' | 'platformLog' | 'queue' | 'log'>): void {
  const { store, platformLog } = deps

  api.get('/account/features', (request, reply) => page(request, reply, [], { name: () => '' }))

  api.get('/apps/:app/features', (request, reply) => {
    const app = appOf(store, request)
    return page<Feature>(request, reply, [...features], order).map((feature) => featureJson(app, feature))
  })

  api.get('/apps/:app/features/:feature', (request) => featureJson(appOf(store, request), featureOf(request)))

  api.patch('/apps/:app/features/:feature', { schema: { body: change } }, async (request, reply) => {
    const app = appOf(store, request)
    const feature = featureOf(request)
    const { enabled } = request.body
    if (!feature.always) {
      const changed = turn(store, app, feature, enabled)
      const { email } = request.identity.account
      platformLog.api(app.id, `${enabled ? 'Enable' : 'Disable'} ${feature.name} by user ${email}`)
      await wake(deps, reply, { kind: 'converge', appId: app.id }) // the router may have to know
      return featureJson(changed, feature)
    }
    if (enabled) return featureJson(app, feature)
    throw new PaasError('invalid_params', `${feature.name} cannot be turned off. ${feature.description}`)
  })
}

function turn({ apps }: ApiDeps['store'], app: App, { name }: Feature, enabled: boolean): App {
  const others = app.features.filter((present) => present !== name)
  return apps.update(app.id, { features: enabled ? [...others, name as App['features'][number]] : others })
}

/** By its name or id. @throws not_found */
function featureOf({ params }: FastifyRequest): Feature {
  const { feature: key } = params as { feature: string }
  const found = features.find((feature) => feature.name === key || idOf(feature) === key)
  if (found) return found
  if (key === 'runtime-heroku-exec') throw new PaasError('not_found', noExec)
  throw new PaasError('not_found', `There is no feature ${JSON.stringify(key)}.`, {
    hint: `Available: ${features.map(({ name }) => name).join(', ')}.`,
  })
}

/** `general`: Heroku's command shows those under `features`, and the others under `labs`. */
function featureJson(app: App, feature: Feature): object {
  return {
    created_at: time(app.createdAt),
    description: feature.description,
    display_name: feature.title,
    doc_url: 'docs/heroku.md#features',
    enabled: feature.always || app.features.some((name) => name === feature.name),
    feedback_email: '',
    id: idOf(feature),
    name: feature.name,
    state: 'general',
    updated_at: time(app.updatedAt),
  }
}

function idOf({ name }: Feature): string {
  return uuidOf(`feature ${name}`)
}
