import type { Quota, Usage } from '../model/quota.ts'
import type { AccountUsage } from './account-tables.ts'
import type { Database } from './database.ts'

const owned = 'SELECT id FROM apps WHERE owner_id = :id AND destroying = 0'

export function openAccountUsage(db: Database): AccountUsage {
  return {
    used: (id) => ({ ...(db.get<Usage>(used, { id }) as Usage) }),
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

const used = `SELECT
  (SELECT count(*) FROM apps WHERE owner_id = :id AND destroying = 0) AS apps,
  (SELECT coalesce(sum(quantity), 0) FROM formations WHERE app_id IN (${owned})) AS dynos,
  (SELECT count(*) FROM builds WHERE state IN ('pending', 'running') AND app_id IN (${owned})) AS builds,
  (SELECT count(*) FROM one_offs WHERE app_id IN (${owned})) AS one_offs`
