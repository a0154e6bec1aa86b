import type { FastifyRequest } from 'fastify'
import type { AppId } from '../../model/ids.ts'
import type { WebhookAction, WebhookEntity } from '../../model/webhook.ts'
import type { Api, ApiDeps } from '../deps.ts'

/**
 * The routes whose answers are news for webhooks. What comes about in other ways too is in
 * `describeChange`; that an app goes, in its route.
 */
export const newsworthy: Record<string, [WebhookEntity, WebhookAction]> = {
  'PATCH /apps/:app': ['api:app', 'update'],
  'POST /apps/:app/dynos': ['api:dyno', 'create'],
  'PATCH /apps/:app/formation': ['api:formation', 'update'],
  'PATCH /apps/:app/formation/:type': ['api:formation', 'update'],
  'POST /apps/:app/collaborators': ['api:collaborator', 'create'],
  'PATCH /apps/:app/collaborators/:collaborator': ['api:collaborator', 'update'],
  'DELETE /apps/:app/collaborators/:collaborator': ['api:collaborator', 'destroy'],
  'PATCH /apps/:app/addons/:addon': ['api:addon', 'update'],
  'DELETE /apps/:app/addons/:addon': ['api:addon', 'destroy'],
  'POST /apps/:app/domains': ['api:domain', 'create'],
  'PATCH /apps/:app/domains/:domain': ['api:domain', 'update'],
  'DELETE /apps/:app/domains/:domain': ['api:domain', 'destroy'],
  'POST /apps/:app/sni-endpoints': ['api:sni-endpoint', 'create'],
  'PATCH /apps/:app/sni-endpoints/:endpoint': ['api:sni-endpoint', 'update'],
  'DELETE /apps/:app/sni-endpoints/:endpoint': ['api:sni-endpoint', 'destroy'],
}

/**
 * Records events before the requests that caused them are answered, with what the answer says. A
 * one-off dyno's URL is left out, since anyone with it is its client, and its command, which may
 * contain secrets: events are stored unencrypted.
 */
export function publishAnswers(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.addHook('preSerialization', async (request, reply, payload) => {
    const [include, action] = newsworthy[routeOf(request)] ?? []
    if (include === undefined || action === undefined || reply.statusCode > 299) return payload
    const { id, email } = request.identity.account
    for (const data of [payload].flat() as (object & { id: string; app?: { id: string } })[]) {
      const appId = (data.app?.id ?? data.id) as AppId
      const told = 'attach_url' in data ? { ...data, attach_url: null, command: '' } : data
      store.webhookDeliveries.publish({ appId, include, action, actor: { id, email }, data: told, previousData: {} })
    }
    return payload
  })
}

function routeOf({ method, routeOptions }: FastifyRequest): string {
  return `${method} ${routeOptions.url}`
}
