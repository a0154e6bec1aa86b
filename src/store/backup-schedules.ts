import type { BackupSchedule } from '../model/data-transfer.ts'
import type { AddonId } from '../model/ids.ts'
import type { Database } from './database.ts'
import type { BackupScheduleRecords } from './data-transfer-records.ts'

type Row = {
  addon_id: AddonId
  name: string
  hour: number
  timezone: string
  created_at: number
  last_at: number | null
}

const columns = 'addon_id, name, hour, timezone, created_at, last_at'

export function openBackupScheduleRecords(db: Database): BackupScheduleRecords {
  return {
    list: () => db.all<Row>(`SELECT ${columns} FROM backup_schedules ORDER BY created_at, rowid`).map(toSchedule),
    find: (addonId) => {
      const row = db.get<Row>(`SELECT ${columns} FROM backup_schedules WHERE addon_id = :addonId`, { addonId })
      return row && toSchedule(row)
    },
    set: ({ addonId, name, hour, timezone }) => {
      db.run(
        `INSERT INTO backup_schedules (addon_id, name, hour, timezone, created_at)
         VALUES (:addonId, :name, :hour, :timezone, :now)
         ON CONFLICT (addon_id) DO UPDATE
         SET name = :name, hour = :hour, timezone = :timezone, created_at = :now, last_at = NULL`,
        { addonId, name, hour, timezone, now: Date.now() },
      )
    },
    setLast: (addonId, at) => {
      db.run('UPDATE backup_schedules SET last_at = :at WHERE addon_id = :addonId', { addonId, at: at.getTime() })
    },
    remove: (addonId) => {
      db.run('DELETE FROM backup_schedules WHERE addon_id = :addonId', { addonId })
    },
  }
}

function toSchedule({ addon_id: addonId, created_at: createdAt, last_at: lastAt, ...row }: Row): BackupSchedule {
  return { addonId, ...row, createdAt: new Date(createdAt), lastAt: lastAt === null ? null : new Date(lastAt) }
}
