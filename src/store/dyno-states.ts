import { toRecord, type DynoStateRow } from './dyno-state-row.ts'
import { oneOffTypes, type DynoFacts } from '../model/dyno.ts'
import type { Database } from './database.ts'
import { takeNews } from './dyno-news.ts'
import type { DynoStateRecords } from './dyno-records.ts'

/** Whether a webhook of the app is to be told; if not, every state counts as told. */
const isTold = `EXISTS (SELECT 1 FROM webhooks WHERE app_id = dyno_states.app_id AND include LIKE '%"dyno"%')`

const inFormation = `type NOT IN (${oneOffTypes.map((type) => `'${type}'`).join(', ')})`

export function openDynoStateRecords(db: Database): DynoStateRecords {
  return {
    find: (id) => {
      const row = db.get<DynoStateRow>(`SELECT * FROM dyno_states WHERE id = :id AND state <> 'gone'`, { id })
      return row && toRecord(row)
    },
    list: (appId) =>
      db
        .all<DynoStateRow>(`SELECT * FROM dyno_states WHERE app_id = :appId AND state <> 'gone'`, { appId })
        .map(toRecord),
    put: (dyno, change) => db.transaction(() => put(db, dyno, change)),
    lose: (since) =>
      db.transaction(() => {
        const which = `WHERE state IN ('starting', 'up', 'crashed') AND ${inFormation}`
        const lost = db.all<DynoStateRow>(`SELECT * FROM dyno_states ${which}`)
        if (lost.length > 0) {
          db.run(`UPDATE dyno_states SET state = 'down', since = :since ${which}`, { since: since.getTime() })
        }
        return lost.map(toRecord)
      }),
    forget: (id) => db.transaction(() => forget(db, id)),
    keepOnly: (ids, since) =>
      db.transaction(() => {
        const old = db.all<{ id: string }>('SELECT id FROM dyno_states WHERE since < :since', {
          since: since.getTime(),
        })
        for (const { id } of old) if (!ids.has(id)) forget(db, id)
      }),
    takeNews: (now) => takeNews(db, now),
  }
}

function put(
  db: Database,
  dyno: DynoFacts,
  { state, since, exitStatus, error }: Parameters<DynoStateRecords['put']>[1],
): void {
  const { id, appId, uuid = null, name, type, size, release, attached } = dyno
  const facts = { id, appId, uuid, name, type, size, release, attached: Number(attached) }
  db.run(
    `INSERT INTO dyno_states (id, app_id, uuid, name, type, size, release, attached, state, since, exit_status, error)
     SELECT :id, :appId, :uuid, :name, :type, :size, :release, :attached, :state, :since, :exitStatus, :error
     WHERE EXISTS (SELECT 1 FROM apps WHERE id = :appId)
     ON CONFLICT (id) DO UPDATE SET state = :state, since = :since, exit_status = :exitStatus, error = :error
       WHERE dyno_states.state <> 'gone'`,
    { ...facts, state, since: since.getTime(), exitStatus, error },
  )
  db.run(`UPDATE dyno_states SET told = state WHERE id = :id AND NOT ${isTold}`, { id })
}

function forget(db: Database, id: string): void {
  db.run(`UPDATE dyno_states SET state = 'gone' WHERE id = :id`, { id })
  db.run(`DELETE FROM dyno_states WHERE id = :id AND NOT ${isTold}`, { id })
}
