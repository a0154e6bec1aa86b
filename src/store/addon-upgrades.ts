import { PaasError } from '../errors.ts'
import { isUnderWay, type AddonUpgrade, type AddonUpgradeState } from '../model/addon-upgrade.ts'
import { newId, type AccountId, type AddonId, type AddonUpgradeId } from '../model/ids.ts'
import type { AddonUpgradeRecords } from './addon-upgrade-records.ts'
import type { Database } from './database.ts'

type UpgradeRow = {
  id: AddonUpgradeId
  addon_id: AddonId
  account_id: AccountId | null
  version: string
  is_rehearsal: number
  state: AddonUpgradeState['kind']
  reason: string | null
  rehearsed: number | null
  fork_id: AddonId | null
  created_at: number
  ended_at: number | null
}

/** Upgrades of each add-on that are remembered, beside those that something has become of. */
const most = 100

export function openAddonUpgradeRecords(db: Database): AddonUpgradeRecords {
  const listOf = (where: string, values: Record<string, string>): AddonUpgrade[] =>
    db.all<UpgradeRow>(`SELECT * FROM addon_upgrades ${where}`, values).map(toUpgrade)
  const list = (addonId: AddonId) =>
    listOf('WHERE addon_id = :addonId ORDER BY created_at DESC, rowid DESC', { addonId })
  return {
    ask: ({ addonId, accountId, version, isRehearsal }) =>
      db.transaction(() => {
        if (list(addonId).some(isUnderWay))
          throw new PaasError('upgrade_under_way', 'The add-on is being upgraded already.')
        db.run(
          `DELETE FROM addon_upgrades WHERE id IN (
             SELECT id FROM addon_upgrades WHERE addon_id = :addonId AND fork_id IS NULL
             ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ${most - 1})`,
          { addonId },
        )
        const row = db.change<UpgradeRow>(
          `INSERT INTO addon_upgrades (id, addon_id, account_id, version, is_rehearsal, state, created_at)
           VALUES (:id, :addonId, :accountId, :version, :isRehearsal, 'asked', :now) RETURNING *`,
          {
            id: newId<AddonUpgradeId>(),
            addonId,
            accountId,
            version,
            isRehearsal: Number(isRehearsal),
            now: Date.now(),
          },
        )
        return toUpgrade(row!)
      }),
    find: (id) => listOf('WHERE id = :id', { id })[0],
    findByFork: (forkId) => listOf('WHERE fork_id = :forkId', { forkId })[0],
    setState: (id, state) => {
      db.run('UPDATE addon_upgrades SET state = :state, reason = :reason, ended_at = :endedAt WHERE id = :id', {
        id,
        state: state.kind,
        reason: state.kind === 'failed' ? state.reason : null,
        endedAt: isUnderWay({ state }) ? null : Date.now(),
      })
    },
    setRehearsed: (id, seconds) => {
      db.run('UPDATE addon_upgrades SET rehearsed = :seconds WHERE id = :id', { id, seconds })
    },
    setFork: (id, forkId) => {
      db.run('UPDATE addon_upgrades SET fork_id = :forkId WHERE id = :id', { id, forkId })
    },
    list,
    listOpen: () => listOf("WHERE state IN ('asked', 'rehearsing', 'holding') ORDER BY created_at, rowid", {}),
  }
}

function toUpgrade(row: UpgradeRow): AddonUpgrade {
  return {
    id: row.id,
    addonId: row.addon_id,
    accountId: row.account_id,
    version: row.version,
    isRehearsal: row.is_rehearsal === 1,
    state: row.state === 'failed' ? { kind: row.state, reason: row.reason ?? '' } : { kind: row.state },
    rehearsed: row.rehearsed,
    forkId: row.fork_id,
    createdAt: new Date(row.created_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  }
}
