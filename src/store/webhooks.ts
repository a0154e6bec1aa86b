import {
  newId,
  type AddonAttachmentId,
  type AddonId,
  type AppId,
  type BuildId,
  type FormationId,
  type ReleaseId,
  type WebhookId,
} from '../model/ids.ts'
import type { Webhook, WebhookEntity, WebhookLevel } from '../model/webhook.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { WebhookChange, WebhookRecords } from './delivery-records.ts'
import { toAttachment, type AttachmentRow } from './addon-attachments.ts'
import { toFormation, type FormationRow } from './formations.ts'

type Row = {
  id: WebhookId
  app_id: AppId
  url: Uint8Array
  include: string
  level: WebhookLevel
  secret: Uint8Array
  authorization: Uint8Array | null
  created_at: number
  updated_at: number
}

type ChangeRow = { app_id: AppId; action: WebhookChange['action']; data: string | null } & (
  | { kind: 'build'; id: BuildId }
  | { kind: 'release'; id: ReleaseId }
  | { kind: 'formation'; id: FormationId }
  | { kind: 'addon'; id: AddonId }
  | { kind: 'attachment'; id: AddonAttachmentId }
)

export function openWebhookRecords(db: Database, cipher: Cipher): WebhookRecords {
  const toWebhook = (row: Row) => openRow(cipher, row)
  const find = (id: WebhookId): Webhook | undefined => {
    const row = db.get<Row>('SELECT * FROM webhooks WHERE id = :id', { id })
    return row && toWebhook(row)
  }
  return {
    create: (webhook) => {
      const now = new Date()
      const made = { ...webhook, id: newId<WebhookId>(), createdAt: now, updatedAt: now }
      db.run(
        `INSERT INTO webhooks (id, app_id, url, include, level, secret, authorization, created_at, updated_at)
         VALUES (:id, :app_id, :url, :include, :level, :secret, :authorization, :created_at, :updated_at)`,
        sealRow(cipher, made),
      )
      return made
    },
    find,
    list: (appId) =>
      db.all<Row>('SELECT * FROM webhooks WHERE app_id = :appId ORDER BY rowid', { appId }).map(toWebhook),
    update: (id, change) =>
      db.transaction(() => {
        const present = find(id)
        if (!present) throw new Error(`there is no webhook ${id}`)
        const changed = { ...present, ...change, updatedAt: new Date() }
        const { app_id: _app, created_at: _created, ...row } = sealRow(cipher, changed)
        db.run(
          `UPDATE webhooks SET url = :url, include = :include, level = :level, secret = :secret,
             authorization = :authorization, updated_at = :updated_at WHERE id = :id`,
          row,
        )
        return changed
      }),
    remove: (id) => {
      db.run('DELETE FROM webhooks WHERE id = :id', { id })
    },
    takeChanges: () => takeChanges(db),
  }
}

/** Most of the time there is none, and a look without a transaction costs next to nothing. */
function takeChanges(db: Database): WebhookChange[] {
  if (!db.get('SELECT 1 FROM webhook_changes')) return []
  return db.transaction(() => {
    const rows = db.all<ChangeRow>('SELECT app_id, kind, id, action, data FROM webhook_changes ORDER BY sequence')
    db.run('DELETE FROM webhook_changes')
    return rows.map(toChange)
  })
}

/** What is gone was noted whole: a process type or an attachment, as the row it was. */
function toChange({ app_id: appId, data, ...change }: ChangeRow): WebhookChange {
  switch (change.kind) {
    case 'formation':
      return { appId, ...change, last: data === null ? null : toFormation(JSON.parse(data) as FormationRow) }
    case 'attachment':
      return { appId, ...change, last: data === null ? null : toAttachment(JSON.parse(data) as AttachmentRow) }
    case 'build':
    case 'release':
    case 'addon':
      return { appId, ...change }
  }
}

function sealRow(cipher: Cipher, webhook: Webhook): Row {
  const { id, appId, url, include, level, secret, authorization, createdAt, updatedAt } = webhook
  const seal = (text: string, field: string) => cipher.seal(text, 'webhook', appId, id, field)
  return {
    id,
    app_id: appId,
    url: seal(url, 'url'),
    include: JSON.stringify(include),
    level,
    secret: seal(secret, 'secret'),
    authorization: authorization === null ? null : seal(authorization, 'authorization'),
    created_at: createdAt.getTime(),
    updated_at: updatedAt.getTime(),
  }
}

function openRow(cipher: Cipher, row: Row): Webhook {
  const open = (sealed: Uint8Array, field: string) => cipher.open(sealed, 'webhook', row.app_id, row.id, field)
  return {
    id: row.id,
    appId: row.app_id,
    url: open(row.url, 'url'),
    include: JSON.parse(row.include) as WebhookEntity[],
    level: row.level,
    secret: open(row.secret, 'secret'),
    authorization: row.authorization === null ? null : open(row.authorization, 'authorization'),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
