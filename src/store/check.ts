import { existsSync } from 'node:fs'
import { checkKey } from './cipher.ts'
import { Database } from './database.ts'
import { versionOf } from './migrations.ts'
import { checkPages } from './open.ts'

/**
 * Whether this version can open the record with this key. Changes nothing, so that another version may be at work on it.
 * @throws data_directory_newer, data_directory_foreign, data_key_wrong, database_damaged
 */
export function checkStore({ path, keyPath }: { path: string; keyPath: string }): void {
  if (!existsSync(path)) return // The first start makes it.
  using db = new Database(path)
  if (versionOf(db, path) === 0) return
  checkKey(db, keyPath)
  checkPages(db)
}
