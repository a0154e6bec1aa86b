import type { AppId } from '../model/ids.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { ConfigVarRecords } from './store.ts'

export function openConfigVarRecords(db: Database, cipher: Cipher): ConfigVarRecords {
  return {
    get: (appId) => get(db, cipher, appId),
    update: (appId, change) =>
      db.transaction(() => {
        for (const [key, value] of Object.entries(change)) {
          if (value === null) unset(db, appId, key)
          else set(db, cipher, appId, key, value)
        }
        return get(db, cipher, appId)
      }),
    replace: (appId, config) =>
      db.transaction(() => {
        db.run('DELETE FROM config_vars WHERE app_id = :appId', { appId })
        for (const [key, value] of Object.entries(config)) set(db, cipher, appId, key, value)
      }),
  }
}

function get(db: Database, cipher: Cipher, appId: AppId): ConfigVars {
  const rows = db.all<{ key: string; value: Uint8Array }>(
    'SELECT key, value FROM config_vars WHERE app_id = :appId ORDER BY key',
    { appId },
  )
  return Object.fromEntries(rows.map(({ key, value }) => [key, cipher.open(value, 'config var', appId, key)]))
}

function set(db: Database, cipher: Cipher, appId: AppId, key: string, value: string): void {
  db.run(
    `INSERT INTO config_vars (app_id, key, value) VALUES (:appId, :key, :value)
     ON CONFLICT (app_id, key) DO UPDATE SET value = excluded.value`,
    { appId, key, value: cipher.seal(value, 'config var', appId, key) },
  )
}

function unset(db: Database, appId: AppId, key: string): void {
  db.run('DELETE FROM config_vars WHERE app_id = :appId AND key = :key', { appId, key })
}
