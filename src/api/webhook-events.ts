import type { FastifyRequest } from 'fastify'
import type { AppId } from '../model/ids.ts'
import type { WebhookAction, WebhookEntity, WebhookEvent } from '../model/webhook.ts'
import type { WebhookChange } from '../store/delivery-tables.ts'
import { userJson } from './app-json.ts'
import { buildJson, type BuildJsonDeps } from './build-json.ts'
import type { Api, ApiDeps } from './deps.ts'
import { releaseJson } from './releases.ts'

type NewEvent = Omit<WebhookEvent, 'id' | 'sequence' | 'createdAt'>

/** The routes whose answers are news for webhooks. Builds and releases come about in other ways too, see `describeChange`. */
export const newsworthy: Record<string, [WebhookEntity, WebhookAction]> = {
  'PATCH /apps/:app': ['api:app', 'update'],
  'PATCH /apps/:app/formation': ['api:formation', 'update'],
  'PATCH /apps/:app/formation/:type': ['api:formation', 'update'],
  'POST /apps/:app/collaborators': ['api:collaborator', 'create'],
  'PATCH /apps/:app/collaborators/:collaborator': ['api:collaborator', 'update'],
  'DELETE /apps/:app/collaborators/:collaborator': ['api:collaborator', 'destroy'],
  'POST /apps/:app/domains': ['api:domain', 'create'],
  'PATCH /apps/:app/domains/:domain': ['api:domain', 'update'],
  'DELETE /apps/:app/domains/:domain': ['api:domain', 'destroy'],
  'POST /apps/:app/sni-endpoints': ['api:sni-endpoint', 'create'],
  'PATCH /apps/:app/sni-endpoints/:endpoint': ['api:sni-endpoint', 'update'],
  'DELETE /apps/:app/sni-endpoints/:endpoint': ['api:sni-endpoint', 'destroy'],
}

/** Records events before the requests that caused them are answered, with what the answer says. */
export function publishAnswers(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.addHook('preSerialization', async (request, reply, payload) => {
    const [include, action] = newsworthy[routeOf(request)] ?? []
    if (include === undefined || action === undefined || reply.statusCode > 299) return payload
    const { id, email } = request.identity.account
    for (const data of [payload].flat() as (object & { id: string; app?: { id: string } })[]) {
      const appId = (data.app?.id ?? data.id) as AppId
      store.webhookDeliveries.publish({ appId, include, action, actor: { id, email }, data, previousData: {} })
    }
    return payload
  })
}

/** How a build and a release begin. */
const unfinished = {
  'api:build': { status: 'pending', state: 'pending', finished_at: null, failure: null, release: null, slug: null },
  'api:release': { status: 'pending', current: false },
}

/** What the database noted about a build or a release, whoever changed it. */
export function describeChange(deps: BuildJsonDeps, change: WebhookChange): NewEvent | undefined {
  const described = change.kind === 'build' ? describeBuild(deps, change) : describeRelease(deps, change)
  if (!described) return undefined
  const { appId, action } = change
  const { include, data, accountId } = described
  const { id, email } = userJson(deps.store, accountId)
  const event = { appId, include, action, actor: { id, email } }
  // What is new may be done with by now; that is told next.
  if (action === 'create') return { ...event, data: { ...data, ...unfinished[include] }, previousData: {} }
  return { ...event, data, previousData: { status: 'pending' } }
}

function describeBuild(deps: BuildJsonDeps, { id }: Extract<WebhookChange, { kind: 'build' }>) {
  const build = deps.store.builds.find(id)
  return build && { include: 'api:build' as const, data: buildJson(deps, build), accountId: build.accountId }
}

function describeRelease({ store }: BuildJsonDeps, change: Extract<WebhookChange, { kind: 'release' }>) {
  const release = store.releases.find(change.id)
  const app = store.apps.get(change.appId)
  if (!release || !app) return undefined
  const data = releaseJson(store, app, release)
  return { include: 'api:release' as const, data, accountId: release.accountId }
}

function routeOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url}`
}
