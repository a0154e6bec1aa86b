import type { App } from '../../model/app.ts'
import type { Webhook, WebhookDelivery, WebhookEvent } from '../../model/webhook.ts'
import { payloadOf } from '../../webhooks/notification.ts'
import { time } from '../http/shapes.ts'

/** Secrets are not shown; a lost one must be replaced. */
export function webhookJson(app: App, webhook: Webhook): object {
  return {
    app: { id: app.id, name: app.name },
    created_at: time(webhook.createdAt),
    id: webhook.id,
    include: webhook.include,
    level: webhook.level,
    updated_at: time(webhook.updatedAt),
    url: webhook.url,
  }
}

export function webhookEventJson(event: WebhookEvent): object {
  return {
    created_at: time(event.createdAt),
    id: event.id,
    include: event.include,
    payload: payloadOf(event),
    updated_at: time(event.createdAt),
  }
}

export function webhookDeliveryJson(delivery: WebhookDelivery): object {
  const { lastAttempt: last } = delivery
  return {
    created_at: time(delivery.createdAt),
    event: { id: delivery.eventId, include: delivery.include },
    id: delivery.id,
    last_attempt: last && {
      code: last.code,
      created_at: time(last.at),
      error_class: last.errorClass,
      id: last.id,
      status: delivery.status === 'succeeded' ? 'succeeded' : 'failed',
      updated_at: time(last.at),
    },
    next_attempt_at: delivery.nextAttemptAt && time(delivery.nextAttemptAt),
    num_attempts: delivery.attempts,
    status: delivery.status,
    updated_at: time(delivery.updatedAt),
    webhook: { id: delivery.webhookId, level: delivery.level },
  }
}
