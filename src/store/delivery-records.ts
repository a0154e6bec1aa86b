import type { Drain } from '../model/drain.ts'
import type { Formation } from '../model/formation.ts'
import type { AddonAttachment } from '../model/addon.ts'
import type {
  AddonAttachmentId,
  AddonId,
  AppId,
  BuildId,
  DrainId,
  FormationId,
  ReleaseId,
  WebhookId,
} from '../model/ids.ts'
import type { Webhook, WebhookAction, WebhookAttempt, WebhookDelivery, WebhookEvent } from '../model/webhook.ts'

export interface DrainRecords {
  create(drain: Pick<Drain, 'appId' | 'url'>): Drain
  /** Oldest first. */
  list(appId: AppId): Drain[]
  /** Drains of all apps. */
  listAll(): Drain[]
  remove(id: DrainId): void
}

export interface WebhookRecords {
  create(webhook: Pick<Webhook, 'appId' | 'url' | 'include' | 'level' | 'secret' | 'authorization'>): Webhook
  find(id: WebhookId): Webhook | undefined
  /** Oldest first. */
  list(appId: AppId): Webhook[]
  update(
    id: WebhookId,
    change: Partial<Pick<Webhook, 'url' | 'include' | 'level' | 'secret' | 'authorization'>>,
  ): Webhook
  /** Removes its deliveries too. */
  remove(id: WebhookId): void
  /**
   * What happened to builds, releases, process types and add-ons of apps that have webhooks, oldest
   * first, each given once.
   */
  takeChanges(): WebhookChange[]
}

/** Recorded by database triggers, whichever code made the change. */
export type WebhookChange = { appId: AppId; action: WebhookAction } & (
  | { kind: 'build'; id: BuildId }
  | { kind: 'release'; id: ReleaseId }
  /** `last`: as it was, when it is gone. */
  | { kind: 'formation'; id: FormationId; last: Formation | null }
  | { kind: 'addon'; id: AddonId }
  | { kind: 'attachment'; id: AddonAttachmentId; last: AddonAttachment | null }
)

export interface WebhookDeliveryRecords {
  /**
   * An event, with a delivery for each webhook of the app that wants it; nothing if none does. The
   * newest 1,000 of an app are kept, and of its dynos as many.
   */
  publish(event: Omit<WebhookEvent, 'id' | 'sequence' | 'createdAt'>): void
  /** Oldest first. */
  listEvents(appId: AppId): WebhookEvent[]
  findEvent(id: WebhookEvent['id']): WebhookEvent | undefined
  /** Oldest first. */
  list(appId: AppId): WebhookDelivery[]
  /**
   * Those whose next attempt is due, the longest due first; of each webhook only so many, since one
   * that is away may have thousands.
   */
  listDue(now: Date, limit: { perWebhook: number }): WebhookDelivery[]
  /** @param nextAttemptAt null after the last one */
  recordAttempt(
    id: WebhookDelivery['id'],
    outcome: { attempt: WebhookAttempt; succeeded: boolean; nextAttemptAt: Date | null },
  ): void
}
