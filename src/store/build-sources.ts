import type { BuildId } from '../model/ids.ts'
import type { BuildSource } from '../model/source.ts'
import type { Cipher } from '../cipher.ts'
import type { Database } from './database.ts'

/** Encrypted as a whole: an address may have a token in it. */
export function insertBuildSource(db: Database, cipher: Cipher, { id, source }: { id: BuildId; source: BuildSource }) {
  db.run('INSERT INTO build_sources (build_id, source) VALUES (:id, :source)', {
    id,
    source: cipher.seal(JSON.stringify(source), 'build source', id),
  })
}

export function findBuildSource(db: Database, cipher: Cipher, id: BuildId): BuildSource | undefined {
  const row = db.get<{ source: Uint8Array }>('SELECT source FROM build_sources WHERE build_id = :id', { id })
  return row && (JSON.parse(cipher.open(row.source, 'build source', id)) as BuildSource)
}
