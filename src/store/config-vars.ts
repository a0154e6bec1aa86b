import type { AppId } from '../model/ids.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'
import type { ConfigVarRecords } from './store.ts'

/**
 * @param attached what the app has of its add-ons: it is not in the table, so that no rollback
 *   brings back what they were before
 */
export function openConfigVarRecords(
  db: Database,
  cipher: Cipher,
  attached: (appId: AppId) => ConfigVars,
): ConfigVarRecords {
  const all = (appId: AppId): ConfigVars => {
    const entries = Object.entries({ ...get(db, cipher, appId), ...attached(appId) })
    return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }
  return {
    get: all,
    update: (appId, change) =>
      db.transaction(() => {
        for (const [key, value] of Object.entries(change)) {
          if (value === null) unset(db, appId, key)
          else set(db, cipher, appId, key, value)
        }
        return all(appId)
      }),
    replace: (appId, config) =>
      db.transaction(() => {
        db.run('DELETE FROM config_vars WHERE app_id = :appId', { appId })
        const others = Object.entries(config).filter(([key]) => !Object.hasOwn(attached(appId), key))
        for (const [key, value] of others) set(db, cipher, appId, key, value)
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
