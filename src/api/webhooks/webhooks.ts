import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import type { WebhookDeliveryId, WebhookEventId } from '../../model/ids.ts'
import {
  mostWebhooks,
  webhookEntities,
  type Webhook,
  type WebhookDelivery,
  type WebhookEvent,
} from '../../model/webhook.ts'
import { checkDestination } from '../../outbound/destination.ts'
import { httpSchemes } from '../../outbound/post.ts'
import { destinationOf, parseTarget } from '../../outbound/url.ts'
import { appOf } from '../http/access.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { webhookDeliveryJson, webhookEventJson, webhookJson } from './webhook-json.ts'

type Deps = Pick<ApiDeps, 'store' | 'platformLog' | 'outbound'>

const include = Type.Array(Type.Enum([...webhookEntities]), { minItems: 1, uniqueItems: true })
const level = Type.Enum(['notify', 'sync'])
/** What a header may hold, but nothing beyond ASCII. */
const headerValue = Type.String({ pattern: '^[\\x20-\\x7e]+$', maxLength: 1000 })
const secrets = {
  authorization: Type.Optional(Type.Union([headerValue, Type.Null()])),
  secret: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Type.Null()])),
}
const newWebhook = Type.Object({ include, level, url: Type.String(), ...secrets }, { additionalProperties: false })
const webhookChange = Type.Object(
  {
    include: Type.Optional(include),
    level: Type.Optional(level),
    url: Type.Optional(Type.String()),
    ...secrets,
  },
  { additionalProperties: false },
)

/** Webhooks. As with drains, an address may be a secret in itself. */
export function webhookRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const config = { scope: 'protected', role: 'deploy' } as const

  api.get('/apps/:app/webhooks', { config }, (request, reply) => {
    const app = appOf(store, request)
    const order = { created_at: (one: Webhook) => one.createdAt.toISOString(), id: (one: Webhook) => one.id }
    return page(request, reply, store.webhooks.list(app.id), order).map((webhook) => webhookJson(app, webhook))
  })

  api.get('/apps/:app/webhooks/:webhook', { config }, (request) => {
    const app = appOf(store, request)
    return webhookJson(app, webhookOf(deps, app, request))
  })

  api.post('/apps/:app/webhooks', { config, schema: { body: newWebhook } }, async (request, reply) => {
    const app = appOf(store, request)
    const { url, authorization = null, secret } = request.body
    await checkUrl(deps, url)
    const key = secret ?? randomSecret()
    const webhook = create(deps, { ...request.body, appId: app.id, authorization, secret: key }, app)
    deps.platformLog.api(app.id, `Add webhook ${new URL(url).origin} by user ${request.identity.account.email}`)
    // The secret is shown only here; the command reads it from this header.
    reply.code(201).header('Heroku-Webhook-Secret', encodeURI(key))
    return webhookJson(app, webhook)
  })

  api.patch('/apps/:app/webhooks/:webhook', { config, schema: { body: webhookChange } }, async (request, reply) => {
    const app = appOf(store, request)
    const { id } = webhookOf(deps, app, request)
    const { secret: asked, ...change } = request.body
    if (change.url !== undefined) await checkUrl(deps, change.url)
    const secret = asked === null ? randomSecret() : asked
    if (secret !== undefined) reply.header('Heroku-Webhook-Secret', encodeURI(secret))
    return webhookJson(app, store.webhooks.update(id, { ...change, ...(secret === undefined ? {} : { secret }) }))
  })

  api.delete('/apps/:app/webhooks/:webhook', { config }, (request) => {
    const app = appOf(store, request)
    const webhook = webhookOf(deps, app, request)
    store.webhooks.remove(webhook.id)
    deps.platformLog.api(
      app.id,
      `Remove webhook ${new URL(webhook.url).origin} by user ${request.identity.account.email}`,
    )
    return webhookJson(app, webhook)
  })
}

/** What became of the events of an app: the newest 1,000 are kept. */
export function webhookHistoryRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  type Delivery = { Params: { delivery: WebhookDeliveryId } }
  type Event = { Params: { event: WebhookEventId } }
  const order = {
    seq: ({ sequence }: WebhookDelivery | WebhookEvent) => sequence,
    id: ({ id }: WebhookDelivery | WebhookEvent) => id,
  }

  api.get('/apps/:app/webhook-deliveries', (request, reply) =>
    page(request, reply, store.webhookDeliveries.list(appOf(store, request).id), order).map(webhookDeliveryJson),
  )
  api.get<Delivery>('/apps/:app/webhook-deliveries/:delivery', (request) => {
    const app = appOf(store, request)
    const { delivery: id } = request.params
    return webhookDeliveryJson(found(app, store.webhookDeliveries.list(app.id), 'webhook delivery', id))
  })
  api.get('/apps/:app/webhook-events', (request, reply) =>
    page(request, reply, store.webhookDeliveries.listEvents(appOf(store, request).id), order).map(webhookEventJson),
  )
  api.get<Event>('/apps/:app/webhook-events/:event', (request) => {
    const app = appOf(store, request)
    const { event: id } = request.params
    return webhookEventJson(found(app, store.webhookDeliveries.listEvents(app.id), 'webhook event', id))
  })
}

/** @throws invalid_params, address_forbidden */
async function checkUrl({ outbound }: Deps, url: string): Promise<void> {
  const target = parseTarget(url, 'The URL of a webhook', httpSchemes)
  await checkDestination(outbound.policy, destinationOf(target, httpSchemes))
}

/** @throws invalid_params when the app is at its limit */
function create({ store }: Deps, webhook: Parameters<Deps['store']['webhooks']['create']>[0], app: App): Webhook {
  return store.transaction(() => {
    if (store.webhooks.list(app.id).length < mostWebhooks) return store.webhooks.create(webhook)
    throw new PaasError('invalid_params', `${app.name} has ${mostWebhooks} webhooks, the limit.`, {
      hint: `Remove one with: paas webhooks:remove -a ${app.name}`,
    })
  })
}

function webhookOf({ store }: Deps, app: App, request: FastifyRequest): Webhook {
  const { webhook: id } = request.params as { webhook: string }
  return found(app, store.webhooks.list(app.id), 'webhook', id)
}

/** @throws not_found */
function found<T extends { id: string }>(app: App, all: T[], what: string, id: string): T {
  const one = all.find((item) => item.id === id)
  if (one) return one
  throw new PaasError('not_found', `${app.name} has no ${what} ${JSON.stringify(id)}.`)
}

function randomSecret(): string {
  return randomBytes(32).toString('hex')
}
