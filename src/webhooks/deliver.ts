import { randomUUID } from 'node:crypto'
import { PaasError } from '../errors.ts'
import { mostAttempts, type WebhookAttempt, type WebhookDelivery } from '../model/webhook.ts'
import type { Poster } from '../outbound/post.ts'
import type { Store } from '../store/store.ts'
import { notificationOf } from './notification.ts'

export type DeliverDeps = { store: Pick<Store, 'webhooks' | 'webhookDeliveries'>; poster: Pick<Poster, 'post'> }

/**
 * Milliseconds until the second attempt; until each further one it is three times as long: the
 * tenth is made after 14 hours.
 */
const firstPause = 5000

/** One attempt, and its outcome in the database. Aborted, it was never made and is made again. */
export async function deliver(deps: DeliverDeps, delivery: WebhookDelivery, signal: AbortSignal): Promise<void> {
  const { webhooks, webhookDeliveries } = deps.store
  const webhook = webhooks.find(delivery.webhookId)
  const event = webhookDeliveries.findEvent(delivery.eventId)
  if (!webhook || !event) return
  const id = randomUUID()
  const notification = notificationOf(webhook, event, { delivery, attemptId: id })
  const outcome = await attempt(deps.poster, { url: new URL(webhook.url), ...notification }, signal)
  if (signal.aborted) return
  const succeeded = outcome.code !== null && outcome.code >= 200 && outcome.code <= 299
  webhookDeliveries.recordAttempt(delivery.id, {
    attempt: { id, at: new Date(), ...outcome },
    succeeded,
    nextAttemptAt: succeeded ? null : nextAttempt(delivery),
  })
}

async function attempt(
  poster: DeliverDeps['poster'],
  post: Parameters<Poster['post']>[0],
  signal: AbortSignal,
): Promise<Pick<WebhookAttempt, 'code' | 'errorClass'>> {
  try {
    return { code: await poster.post(post, signal), errorClass: null }
  } catch (cause) {
    return { code: null, errorClass: errorClassOf(cause) }
  }
}

/** The system's and TLS's codes say more than the names of their errors. */
function errorClassOf(cause: unknown): string {
  if (cause instanceof PaasError) return cause.code
  if (cause instanceof Error) return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
  return 'Error'
}

function nextAttempt({ level, attempts }: WebhookDelivery): Date | null {
  if (level === 'notify' || attempts + 1 >= mostAttempts) return null
  return new Date(Date.now() + firstPause * 3 ** attempts)
}
