import { newId, type AppId, type ManagedCertificateId } from '../model/ids.ts'
import type { IssuedCertificate, ManagedCertificate, ManagedState } from '../model/managed-certificate.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { ManagedCertificateRecords } from './visitor-records.ts'

type Row = {
  id: ManagedCertificateId
  name: string
  names: string
  app_id: AppId | null
  certificate: string | null
  key: Uint8Array | null
  issued_at: number | null
  ends_at: number | null
  renew_at: number | null
  state: string
  failures: number
  next_at: number
  created_at: number
  updated_at: number
}

const context = 'managed certificate key'

/** Those that are due first, first. */
export function allCertificates(db: Database): ManagedCertificate[] {
  return db.all<Row>('SELECT * FROM managed_certificates ORDER BY next_at').map(toCertificate)
}

export function openManagedCertificateRecords(db: Database, cipher: Cipher): ManagedCertificateRecords {
  const row = (id: ManagedCertificateId): Row | undefined =>
    db.get<Row>('SELECT * FROM managed_certificates WHERE id = :id', { id })
  return {
    add: ({ name, names, appId }) => {
      const now = Date.now()
      db.run(
        `INSERT INTO managed_certificates (id, name, names, app_id, state, next_at, created_at, updated_at)
         VALUES (:id, :name, :names, :appId, :state, :now, :now, :now) ON CONFLICT (name) DO NOTHING`,
        { id: newId(), name, names: JSON.stringify(names), appId, state: stateText({ kind: 'waiting' }), now },
      )
    },
    find: (name) => {
      const found = db.get<Row>('SELECT * FROM managed_certificates WHERE name = :name', { name })
      return found && toCertificate(found)
    },
    list: (appId) =>
      db
        .all<Row>('SELECT * FROM managed_certificates WHERE app_id IS :appId ORDER BY name', { appId })
        .map(toCertificate)
        .filter(({ state }) => state.kind !== 'resting'),
    listAll: () => allCertificates(db),
    key: ({ id }) => {
      const key = row(id)?.key
      return key ? cipher.open(key, context, id) : undefined
    },
    issue: (id, { certificate, key, issuedAt, endsAt, renewAt }, nextAt) => {
      db.run(
        `UPDATE managed_certificates SET certificate = :certificate, key = :key, issued_at = :issuedAt,
           ends_at = :endsAt, renew_at = :renewAt, state = :state, failures = 0, next_at = :nextAt, updated_at = :now
         WHERE id = :id`,
        {
          id,
          certificate,
          key: cipher.seal(key, context, id),
          issuedAt: issuedAt.getTime(),
          endsAt: endsAt.getTime(),
          renewAt: renewAt.getTime(),
          state: stateText({ kind: 'issued' }),
          nextAt: nextAt.getTime(),
          now: Date.now(),
        },
      )
    },
    setRenewal: (id, renewAt, nextAt) => {
      db.run('UPDATE managed_certificates SET renew_at = :renewAt, next_at = :nextAt WHERE id = :id', {
        id,
        renewAt: renewAt.getTime(),
        nextAt: nextAt.getTime(),
      })
    },
    setState: (id, state, { failures, nextAt }) => {
      db.run(
        `UPDATE managed_certificates SET state = :state, failures = :failures, next_at = :nextAt, updated_at = :now
         WHERE id = :id`,
        { id, state: stateText(state), failures, nextAt: nextAt.getTime(), now: Date.now() },
      )
    },
    remove: (id) => {
      db.run('DELETE FROM managed_certificates WHERE id = :id', { id })
    },
    account: (directory) => {
      const found = db.get<{ url: string | null; key: Uint8Array }>(
        'SELECT url, key FROM acme_accounts WHERE directory = :directory',
        { directory },
      )
      return found && { url: found.url, key: cipher.open(found.key, 'acme account key', directory) }
    },
    saveAccount: (directory, { url, key }) => {
      db.run(
        `INSERT INTO acme_accounts (directory, url, key, created_at) VALUES (:directory, :url, :key, :now)
         ON CONFLICT (directory) DO UPDATE SET url = :url, key = :key`,
        { directory, url, key: cipher.seal(key, 'acme account key', directory), now: Date.now() },
      )
    },
  }
}

function stateText(state: ManagedState): string {
  return JSON.stringify(state)
}

function toCertificate(row: Row): ManagedCertificate {
  return {
    id: row.id,
    name: row.name,
    names: JSON.parse(row.names) as string[],
    appId: row.app_id,
    issued: issuedIn(row),
    state: JSON.parse(row.state) as ManagedState,
    failures: row.failures,
    nextAt: new Date(row.next_at),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function issuedIn(row: Row): IssuedCertificate | null {
  if (row.certificate === null) return null
  return {
    certificate: row.certificate,
    issuedAt: new Date(row.issued_at ?? 0),
    endsAt: new Date(row.ends_at ?? 0),
    renewAt: new Date(row.renew_at ?? 0),
  }
}
