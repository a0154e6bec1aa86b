import { chmodSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { checkContent } from './open.ts'
import { Database } from './database.ts'

/** More than any database has, so that it is copied in one step, as it is at one moment. */
const allPages = 2 ** 30

/**
 * Copies a database that others may be writing to, and checks the copy.
 * @throws database_damaged
 */
export async function copyDatabase(path: string, target: string): Promise<void> {
  using source = new DatabaseSync(path, { readOnly: true })
  await backup(source, target, { rate: allPages })
  chmodSync(target, 0o600)
  using copy = new Database(target)
  checkContent(copy, 'integrity_check')
}
