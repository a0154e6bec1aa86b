import { newId, type AppId, type WebhookDeliveryId, type WebhookEventId, type WebhookId } from '../model/ids.ts'
import type { WebhookAttempt, WebhookDelivery, WebhookEvent } from '../model/webhook.ts'
import type { Database } from './database.ts'
import type { WebhookDeliveryRecords } from './delivery-records.ts'

type EventRow = {
  sequence: number
  id: WebhookEventId
  app_id: AppId
  include: WebhookEvent['include']
  action: WebhookEvent['action']
  actor: string
  data: string
  previous_data: string
  created_at: number
}
type DeliveryRow = {
  sequence: number
  id: WebhookDeliveryId
  webhook_id: WebhookId
  level: WebhookDelivery['level']
  event_id: WebhookEventId
  include: WebhookDelivery['include']
  status: WebhookDelivery['status']
  attempts: number
  next_attempt_at: number | null
  last_attempt: string | null
  created_at: number
  updated_at: number
}

/**
 * Of each app's dynos, which change often, and of all else of it; with an event its deliveries go.
 */
const eventsKept = 1000

const deliveries = `SELECT webhook_deliveries.*, webhooks.level, webhook_events.include FROM webhook_deliveries
  JOIN webhooks ON webhooks.id = webhook_id JOIN webhook_events ON webhook_events.id = event_id`

const due = `${deliveries} WHERE webhook_deliveries.id IN (
    SELECT id FROM (
      SELECT id, row_number() OVER (PARTITION BY webhook_id ORDER BY next_attempt_at, sequence) AS place
      FROM webhook_deliveries WHERE next_attempt_at <= :now
    ) WHERE place <= :perWebhook
  ) ORDER BY next_attempt_at, webhook_deliveries.sequence`

export function openWebhookDeliveryRecords(db: Database): WebhookDeliveryRecords {
  return {
    publish: (event) => db.transaction(() => publish(db, event)),
    listEvents: (appId) =>
      db.all<EventRow>('SELECT * FROM webhook_events WHERE app_id = :appId ORDER BY sequence', { appId }).map(toEvent),
    findEvent: (id) => {
      const row = db.get<EventRow>('SELECT * FROM webhook_events WHERE id = :id', { id })
      return row && toEvent(row)
    },
    list: (appId) =>
      db
        .all<DeliveryRow>(`${deliveries} WHERE webhook_events.app_id = :appId ORDER BY webhook_deliveries.sequence`, {
          appId,
        })
        .map(toDelivery),
    listDue: (now, { perWebhook }) => db.all<DeliveryRow>(due, { now: now.getTime(), perWebhook }).map(toDelivery),
    recordAttempt: (id, { attempt, succeeded, nextAttemptAt }) => {
      db.run(
        `UPDATE webhook_deliveries SET status = :status, attempts = attempts + 1, next_attempt_at = :next,
           last_attempt = :attempt, updated_at = :now WHERE id = :id`,
        {
          id,
          status: succeeded ? 'succeeded' : nextAttemptAt ? 'retrying' : 'failed',
          next: nextAttemptAt?.getTime() ?? null,
          attempt: JSON.stringify(attempt),
          now: Date.now(),
        },
      )
    },
  }
}

function publish(db: Database, event: Parameters<WebhookDeliveryRecords['publish']>[0]): void {
  const { appId, include, action, actor, data, previousData } = event
  const webhooks = db
    .all<{ id: WebhookId; include: string }>('SELECT id, include FROM webhooks WHERE app_id = :appId', { appId })
    .filter((webhook) => (JSON.parse(webhook.include) as string[]).includes(include))
  if (webhooks.length === 0) return
  const [eventId, now] = [newId<WebhookEventId>(), Date.now()]
  db.run(
    `INSERT INTO webhook_events (id, app_id, include, action, actor, data, previous_data, created_at)
     VALUES (:eventId, :appId, :include, :action, :actor, :data, :previousData, :now)`,
    {
      eventId,
      appId,
      include,
      action,
      now,
      actor: JSON.stringify(actor),
      data: JSON.stringify(data),
      previousData: JSON.stringify(previousData),
    },
  )
  for (const { id: webhookId } of webhooks) {
    db.run(
      `INSERT INTO webhook_deliveries
         (id, webhook_id, event_id, status, attempts, next_attempt_at, created_at, updated_at)
       VALUES (:id, :webhookId, :eventId, 'pending', 0, :now, :now, :now)`,
      { id: newId<WebhookDeliveryId>(), webhookId, eventId, now },
    )
  }
  db.run(
    `DELETE FROM webhook_events WHERE app_id = :appId AND (include = 'dyno') = (:include = 'dyno') AND sequence <=
       (SELECT sequence FROM webhook_events WHERE app_id = :appId AND (include = 'dyno') = (:include = 'dyno')
        ORDER BY sequence DESC LIMIT 1 OFFSET ${eventsKept})`,
    { appId, include },
  )
}

function toEvent(row: EventRow): WebhookEvent {
  return {
    id: row.id,
    appId: row.app_id,
    sequence: row.sequence,
    include: row.include,
    action: row.action,
    actor: JSON.parse(row.actor) as WebhookEvent['actor'],
    data: JSON.parse(row.data) as object,
    previousData: JSON.parse(row.previous_data) as object,
    createdAt: new Date(row.created_at),
  }
}

function toDelivery(row: DeliveryRow): WebhookDelivery {
  const attempt = row.last_attempt === null ? null : (JSON.parse(row.last_attempt) as WebhookAttempt)
  return {
    id: row.id,
    sequence: row.sequence,
    webhookId: row.webhook_id,
    level: row.level,
    eventId: row.event_id,
    include: row.include,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at === null ? null : new Date(row.next_attempt_at),
    lastAttempt: attempt && { ...attempt, at: new Date(attempt.at) },
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
