import type { Domain } from '../model/domain.ts'
import { newId, type AppId, type DomainId, type SniEndpointId } from '../model/ids.ts'
import type { Database } from './database.ts'
import type { DomainRecords } from './visitor-records.ts'

type Row = {
  id: DomainId
  app_id: AppId
  hostname: string
  sni_endpoint_id: SniEndpointId | null
  created_at: number
  updated_at: number
}

export function openDomainRecords(db: Database): DomainRecords {
  const get = (id: DomainId): Domain => toDomain(db.get<Row>('SELECT * FROM domains WHERE id = :id', { id })!)
  return {
    create: ({ appId, hostname, sniEndpointId }) => {
      const id = newId<DomainId>()
      db.run(
        `INSERT INTO domains (id, app_id, hostname, sni_endpoint_id, created_at, updated_at)
         VALUES (:id, :appId, :hostname, :sniEndpointId, :now, :now)`,
        { id, appId, hostname, sniEndpointId, now: Date.now() },
      )
      return get(id)
    },
    find: (hostname) => {
      const row = db.get<Row>('SELECT * FROM domains WHERE hostname = :hostname', { hostname })
      return row && toDomain(row)
    },
    list: (appId) =>
      db.all<Row>('SELECT * FROM domains WHERE app_id = :appId ORDER BY hostname', { appId }).map(toDomain),
    overlapping: (hostname) => overlapping(db, hostname),
    setSniEndpoint: (id, sniEndpointId) => {
      db.run('UPDATE domains SET sni_endpoint_id = :sniEndpointId, updated_at = :now WHERE id = :id', {
        id,
        sniEndpointId,
        now: Date.now(),
      })
      return get(id)
    },
    remove: (id) => {
      db.run('DELETE FROM domains WHERE id = :id', { id })
    },
  }
}

/** The name's last characters are compared, so that no character of it has a meaning of its own. */
function overlapping(db: Database, hostname: string): Domain[] {
  const below = hostname.startsWith('*.') ? hostname.slice(1) : null
  return db
    .all<Row>(
      `SELECT * FROM domains WHERE hostname <> :hostname AND (
         (hostname LIKE '*.%' AND substr(:hostname, -(length(hostname) - 1)) = substr(hostname, 2))
         OR (:below IS NOT NULL AND substr(hostname, -length(:below)) = :below)
       )`,
      { hostname, below },
    )
    .map(toDomain)
}

function toDomain(row: Row): Domain {
  return {
    id: row.id,
    appId: row.app_id,
    hostname: row.hostname,
    sniEndpointId: row.sni_endpoint_id,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
