import { randomUUID } from 'node:crypto'
import type { Drain } from '../model/drain.ts'
import { newId, type AppId, type DrainId } from '../model/ids.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { DrainRecords } from './delivery-records.ts'

type Row = { id: DrainId; app_id: AppId; url: Uint8Array; token: string; created_at: number; updated_at: number }

export function openDrainRecords(db: Database, cipher: Cipher): DrainRecords {
  const toDrain = (row: Row): Drain => ({
    id: row.id,
    appId: row.app_id,
    url: cipher.open(row.url, 'drain', row.app_id, row.id),
    token: row.token,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  })
  return {
    create: ({ appId, url }) => {
      const id = newId<DrainId>()
      const now = Date.now()
      const row: Row = {
        id,
        app_id: appId,
        url: cipher.seal(url, 'drain', appId, id),
        token: `d.${randomUUID()}`,
        created_at: now,
        updated_at: now,
      }
      db.run(
        `INSERT INTO drains (id, app_id, url, token, created_at, updated_at)
         VALUES (:id, :app_id, :url, :token, :created_at, :updated_at)`,
        row,
      )
      return toDrain(row)
    },
    list: (appId) => db.all<Row>('SELECT * FROM drains WHERE app_id = :appId ORDER BY rowid', { appId }).map(toDrain),
    listAll: () => db.all<Row>('SELECT * FROM drains ORDER BY rowid').map(toDrain),
    remove: (id) => {
      db.run('DELETE FROM drains WHERE id = :id', { id })
    },
  }
}
