import { existsSync } from 'node:fs'
import type { CertificatesOnRecord } from '../model/managed-certificate.ts'
import { Database } from './database.ts'
import { allCertificates } from './managed-certificates.ts'
import { versionOf } from './migrations.ts'

/**
 * For a look that changes nothing, also while another version is at work on the record.
 * @returns undefined: there is no record yet, or one without them
 */
export function readCertificatesOnRecord(path: string): CertificatesOnRecord | undefined {
  if (!existsSync(path)) return undefined
  using db = new Database(path)
  if (versionOf(db, path) === 0) return undefined
  const tables = "SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('managed_certificates', 'acme_accounts')"
  if (db.get<{ n: number }>(tables)?.n !== 2) return undefined
  const accounts = db.all<{ directory: string }>('SELECT directory FROM acme_accounts WHERE url IS NOT NULL')
  return { managed: allCertificates(db), accounts: accounts.map(({ directory }) => directory) }
}
