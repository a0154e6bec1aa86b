import { PaasError } from '../errors.ts'
import { attachedVars, type AddonAttachment } from '../model/addon.ts'
import { newId, type AddonAttachmentId, type AddonId, type AppId } from '../model/ids.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Cipher } from '../cipher.ts'
import type { AddonAttachmentRecords } from './addon-records.ts'
import { readSecrets } from './addons.ts'
import { isDuplicate, type Database } from './database.ts'

export type AttachmentRow = {
  id: AddonAttachmentId
  addon_id: AddonId
  app_id: AppId
  name: string
  created_at: number
  updated_at: number
}

export function openAddonAttachmentRecords(db: Database, cipher: Cipher): AddonAttachmentRecords {
  const list = ({ appId = null, addonId = null }: { appId?: AppId | null; addonId?: AddonId | null } = {}) =>
    db
      .all<AttachmentRow>(
        `SELECT * FROM addon_attachments
         WHERE (:appId IS NULL OR app_id = :appId) AND (:addonId IS NULL OR addon_id = :addonId)
         ORDER BY created_at, rowid`,
        { appId, addonId },
      )
      .map(toAttachment)
  return {
    create: (attachment) => create(db, attachment),
    find: (id) => {
      const row = db.get<AttachmentRow>('SELECT * FROM addon_attachments WHERE id = :id', { id })
      return row && toAttachment(row)
    },
    list,
    remove: (id) => {
      db.run('DELETE FROM addon_attachments WHERE id = :id', { id })
    },
    configOf: (appId) =>
      list({ appId }).reduce<ConfigVars>(
        (all, one) => ({ ...all, ...attachedVars(one, readSecrets(db, cipher, one.addonId).config) }),
        {},
      ),
  }
}

function create(db: Database, { addonId, appId, name }: Pick<AddonAttachment, 'addonId' | 'appId' | 'name'>) {
  try {
    const row = db.change<AttachmentRow>(
      `INSERT INTO addon_attachments (id, addon_id, app_id, name, created_at, updated_at)
       VALUES (:id, :addonId, :appId, :name, :now, :now) RETURNING *`,
      { id: newId<AddonAttachmentId>(), addonId, appId, name, now: Date.now() },
    )
    if (row) return toAttachment(row)
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', `The app has an add-on attached as ${name} already.`, {
      hint: 'Choose another name with --as NAME.',
      cause,
    })
  }
  throw new PaasError('internal', `The attachment ${name} was not recorded.`)
}

export function toAttachment(row: AttachmentRow): AddonAttachment {
  return {
    id: row.id,
    addonId: row.addon_id,
    appId: row.app_id,
    name: row.name,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
