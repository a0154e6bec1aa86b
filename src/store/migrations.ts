import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PaasError } from '../errors.ts'
import type { Database } from './database.ts'

/** Marks the file as ours (PRAGMA application_id): "paas" in ASCII. */
const applicationId = 0x70616173

const directory = join(import.meta.dirname, 'migrations')

/**
 * What makes the schema, in the order of the files' numbers; how many are done is PRAGMA
 * user_version. Files are only ever added. Times in them are milliseconds since 1970.
 */
const migrations = readdirSync(directory)
  .toSorted()
  .map((file) => readFileSync(join(directory, file), 'utf8'))

/**
 * Brings the schema up to date, in one transaction.
 * @throws data_directory_newer, data_directory_foreign
 */
export function migrate(db: Database, path: string): void {
  db.transaction(() => {
    const done = versionOf(db, path)
    for (const step of migrations.slice(done)) db.execute(step)
    if (done < migrations.length) {
      db.execute(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
    }
  })
}

/** The schema's version, 0 for a new file. @throws data_directory_newer, data_directory_foreign */
export function versionOf(db: Database, path: string): number {
  const version = db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
  const owner = db.get<{ application_id: number }>('PRAGMA application_id')?.application_id ?? 0
  const tables = db.get<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema')?.n ?? 0
  if (owner !== applicationId && tables > 0) {
    throw new PaasError('data_directory_foreign', `${path} is a database of another program.`)
  }
  if (version > migrations.length) {
    throw new PaasError(
      'data_directory_newer',
      `${path} was written by a newer version of paas (schema ${version}; this one knows ${migrations.length}).`,
      { hint: 'Run that version, or use another data directory (PAAS_DATA).' },
    )
  }
  return version
}
