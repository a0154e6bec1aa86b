import type { Database } from './database.ts'
import type { BuildpackRecords } from './store.ts'

export function openBuildpackRecords(db: Database): BuildpackRecords {
  return {
    list: (appId) =>
      db
        .all<{ name: string }>('SELECT name FROM buildpacks WHERE app_id = :appId ORDER BY ordinal', { appId })
        .map(({ name }) => name),
    replace: (appId, names) =>
      db.transaction(() => {
        db.run('DELETE FROM buildpacks WHERE app_id = :appId', { appId })
        for (const [ordinal, name] of names.entries()) {
          db.run('INSERT INTO buildpacks (app_id, ordinal, name) VALUES (:appId, :ordinal, :name)', {
            appId,
            ordinal,
            name,
          })
        }
      }),
  }
}
