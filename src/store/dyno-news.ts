import { type DynoStateRow, toRecord } from './dyno-state-row.ts'
import type { DynoLife, DynoRecord } from '../model/dyno.ts'
import type { Database } from './database.ts'
import type { DynoNews } from './dyno-records.ts'

/** Milliseconds that a dyno which has crashed must be on its way again before that is news. */
const settled = 60_000

const untold = `told IS NOT state AND NOT (told IS 'crashed' AND state IN ('starting', 'up') AND since > :settled)`

/** Most of the time there is none, and a look without a transaction costs next to nothing. */
export function takeNews(db: Database, now: Date): DynoNews[] {
  const limit = { settled: now.getTime() - settled }
  if (!db.get(`SELECT 1 FROM dyno_states WHERE ${untold}`, limit)) return []
  return db.transaction(() => {
    const rows = db.all<DynoStateRow>(`SELECT * FROM dyno_states WHERE ${untold} ORDER BY since`, limit)
    db.run(`DELETE FROM dyno_states WHERE state = 'gone' AND ${untold}`, limit)
    db.run(`UPDATE dyno_states SET told = state WHERE ${untold}`, limit)
    return rows.flatMap(newsOf)
  })
}

/** A dyno begins as starting; when it has ended for good, it is about to be gone. */
function newsOf(row: DynoStateRow): DynoNews[] {
  const dyno = toRecord(row)
  const about = { kind: 'dyno' as const, appId: row.app_id, dyno }
  const begun: DynoNews[] = row.told === null ? [{ ...about, dyno: { ...dyno, ...begins }, action: 'create' }] : []
  switch (row.state) {
    case 'gone':
      return [...begun, { ...about, action: 'destroy' }]
    case 'starting':
      return row.told === null ? begun : [{ ...about, action: 'update', before: row.told }]
    case 'complete':
    case 'stopped':
      return begun
    case 'up':
    case 'crashed':
    case 'stopping':
    case 'down':
      return [...begun, { ...about, action: 'update', before: row.told ?? 'starting' }]
  }
}

const begins: Pick<DynoRecord, 'exitStatus' | 'error'> & { state: DynoLife } = {
  state: 'starting',
  exitStatus: null,
  error: null,
}
