import type { Quota, Usage } from '../model/quota.ts'
import type { AppId } from '../model/ids.ts'
import type { AccountUsageRecords } from './account-records.ts'
import type { Database } from './database.ts'

const owned = 'SELECT id FROM apps WHERE owner_id = :id AND destroying = 0'

export function openAccountUsageRecords(db: Database): AccountUsageRecords {
  return {
    used: (id) => ({ ...(db.get<Usage>(used, { id, since: hourAgo() }) as Usage) }),
    buildsTaken: (id) => {
      const rows = db.all<{ at: number }>(`SELECT at ${taken} ORDER BY at`, { id, since: hourAgo() })
      return rows.map(({ at }) => new Date(at))
    },
    appIds: (id) => db.all<{ id: AppId }>('SELECT id FROM apps WHERE owner_id = :id', { id }).map((row) => row.id),
    given: (id) => {
      const row = db.get<{ limits: string | null }>('SELECT limits FROM accounts WHERE id = :id', { id })
      return JSON.parse(row?.limits ?? '{}') as Partial<Quota>
    },
    give: (id, quota) => {
      db.run('UPDATE accounts SET limits = :limits, updated_at = :now WHERE id = :id', {
        id,
        limits: JSON.stringify(quota),
        now: Date.now(),
      })
    },
  }
}

const taken = 'FROM builds_taken WHERE owner_id = :id AND at > :since'

const hourAgo = (): number => Date.now() - 3_600_000

/** Counts a build for the owner of its app, in the transaction that makes it. */
export function noteBuildTaken(db: Database, appId: AppId): void {
  db.run('DELETE FROM builds_taken WHERE at <= :since', { since: hourAgo() })
  db.run('INSERT INTO builds_taken (owner_id, at) SELECT owner_id, :now FROM apps WHERE id = :appId', {
    appId,
    now: Date.now(),
  })
}

const used = `SELECT
  (SELECT count(*) FROM apps WHERE owner_id = :id AND destroying = 0) AS apps,
  (SELECT coalesce(sum(quantity), 0) FROM formations WHERE app_id IN (${owned})) AS dynos,
  (SELECT count(*) FROM builds WHERE state IN ('pending', 'running') AND app_id IN (${owned})) AS builds,
  (SELECT count(*) ${taken}) AS builds_per_hour,
  (SELECT count(*) FROM one_offs WHERE app_id IN (${owned})) AS one_offs`
