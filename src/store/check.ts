import { existsSync } from 'node:fs'
import { checkKey } from './cipher.ts'
import { Database } from './database.ts'
import { checkPages } from './keep-pages.ts'
import { versionOf } from './migrations.ts'
import { checkContent } from './open.ts'

/**
 * Whether this version can open the database with this key. Changes nothing of it, so that another
 * version may be at work on it.
 * @throws data_directory_newer, data_directory_foreign, data_key_wrong, database_damaged
 */
export function checkStore({ path, keyPath }: { path: string; keyPath: string }): void {
  if (!existsSync(path)) return // the first start creates it
  using db = new Database(path)
  checkPages(db, path)
  if (versionOf(db, path) === 0) return
  checkKey(db, keyPath)
  checkContent(db, 'quick_check')
}
