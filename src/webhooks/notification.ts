import { createHmac } from 'node:crypto'
import { resourceOf, type Webhook, type WebhookDelivery, type WebhookEvent } from '../model/webhook.ts'

/**
 * What is posted to a webhook: the body and its headers. The signature is the base64 of the body's
 * HMAC-SHA256. https://devcenter.heroku.com/articles/webhook-events
 */
export function notificationOf(
  webhook: Pick<Webhook, 'id' | 'secret' | 'authorization'>,
  event: WebhookEvent,
  { delivery, attemptId }: { delivery: Pick<WebhookDelivery, 'id'>; attemptId: string },
): { headers: Record<string, string>; body: Buffer } {
  const body = Buffer.from(
    JSON.stringify({
      ...payloadOf(event),
      created_at: event.createdAt,
      id: event.id,
      published_at: event.createdAt,
      sequence: event.sequence,
      updated_at: event.createdAt,
      webhook_metadata: {
        attempt: { id: attemptId },
        delivery: { id: delivery.id },
        event: { id: event.id, include: event.include },
        webhook: { id: webhook.id },
      },
    }),
  )
  const headers = {
    'content-type': 'application/json',
    'heroku-webhook-hmac-sha256': createHmac('sha256', webhook.secret).update(body).digest('base64'),
    ...(webhook.authorization === null ? {} : { authorization: webhook.authorization }),
  }
  return { headers, body }
}

/** The event itself, as the API shows it too. */
export function payloadOf({ action, actor, data, previousData, include }: WebhookEvent): object {
  return {
    action,
    actor: { email: actor.email, id: actor.id },
    data,
    previous_data: previousData,
    resource: resourceOf(include),
    version: 'application/vnd.heroku+json; version=3',
  }
}
