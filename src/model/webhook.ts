import type { AppId, WebhookDeliveryId, WebhookEventId, WebhookId } from './ids.ts'

/** What an app's webhooks can be told of. */
export const webhookEntities = [
  'api:addon',
  'api:addon-attachment',
  'api:app',
  'api:build',
  'api:collaborator',
  'api:domain',
  'api:dyno',
  'api:formation',
  'api:release',
  'api:sni-endpoint',
  'api:volume',
  'dyno',
] as const
export type WebhookEntity = (typeof webhookEntities)[number]

/** `notify` is tried once; `sync` again and again, until it is taken or `mostAttempts` are made. */
export type WebhookLevel = 'notify' | 'sync'

/** Somebody's own server that is told when something about an app changes. */
export type Webhook = {
  id: WebhookId
  appId: AppId
  url: string
  include: WebhookEntity[]
  level: WebhookLevel
  /** Signs what is sent. */
  secret: string
  /** The Authorization header that the receiver wants. */
  authorization: string | null
  createdAt: Date
  updatedAt: Date
}

export type WebhookAction = 'create' | 'update' | 'destroy'

/** Something that changed, as the API showed it then. */
export type WebhookEvent = {
  id: WebhookEventId
  appId: AppId
  /** Ascending over all apps. */
  sequence: number
  include: WebhookEntity
  action: WebhookAction
  actor: { id: string; email: string }
  data: object
  /** What of the data was different before. */
  previousData: object
  createdAt: Date
}

/**
 * An event on its way to a webhook. Each attempt has an outcome; there is a next one while
 * `nextAttemptAt` is set.
 */
export type WebhookDelivery = {
  id: WebhookDeliveryId
  sequence: number
  webhookId: WebhookId
  level: WebhookLevel
  eventId: WebhookEventId
  include: WebhookEntity
  status: 'pending' | 'retrying' | 'succeeded' | 'failed'
  attempts: number
  nextAttemptAt: Date | null
  lastAttempt: WebhookAttempt | null
  createdAt: Date
  updatedAt: Date
}

export type WebhookAttempt = {
  id: string
  at: Date
  /** The status of the answer; null without an answer. */
  code: number | null
  /** What was in the way of an answer: `ECONNREFUSED`, `TimeoutError`. */
  errorClass: string | null
}

export const mostWebhooks = 10
export const mostAttempts = 10

/** `api:sni-endpoint` → `sni-endpoint` */
export function resourceOf(entity: WebhookEntity): string {
  return entity.replace('api:', '')
}

export type NewWebhookEvent = Omit<WebhookEvent, 'id' | 'sequence' | 'createdAt'>
