import { newId, type AppId, type SniEndpointId } from '../model/ids.ts'
import type { SniEndpoint } from '../model/sni-endpoint.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { SniEndpointRecords } from './visitor-records.ts'

type Row = {
  id: SniEndpointId
  app_id: AppId
  name: string
  certificate: string
  key: Uint8Array
  created_at: number
  updated_at: number
}

export function openSniEndpointRecords(db: Database, cipher: Cipher): SniEndpointRecords {
  const row = (id: SniEndpointId): Row => db.get<Row>('SELECT * FROM sni_endpoints WHERE id = :id', { id })!
  return {
    create: ({ appId, name, certificate, key }) => {
      const id = newId<SniEndpointId>()
      db.run(
        `INSERT INTO sni_endpoints (id, app_id, name, certificate, key, created_at, updated_at)
         VALUES (:id, :appId, :name, :certificate, :key, :now, :now)`,
        { id, appId, name, certificate, key: cipher.seal(key, 'certificate key', id), now: Date.now() },
      )
      return toEndpoint(row(id))
    },
    list: (appId) =>
      db.all<Row>('SELECT * FROM sni_endpoints WHERE app_id = :appId ORDER BY rowid', { appId }).map(toEndpoint),
    update: (id, { certificate, key }) => {
      db.run('UPDATE sni_endpoints SET certificate = :certificate, key = :key, updated_at = :now WHERE id = :id', {
        id,
        certificate,
        key: cipher.seal(key, 'certificate key', id),
        now: Date.now(),
      })
      return toEndpoint(row(id))
    },
    key: ({ id }) => cipher.open(row(id).key, 'certificate key', id),
    remove: (id) => {
      db.run('DELETE FROM sni_endpoints WHERE id = :id', { id })
    },
  }
}

function toEndpoint(row: Row): SniEndpoint {
  return {
    id: row.id,
    appId: row.app_id,
    name: row.name,
    certificate: row.certificate,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
