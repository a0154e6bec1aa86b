import type { GivenRole } from '../model/access.ts'
import type { Collaborator } from '../model/collaborator.ts'
import { newId, type AccountId, type AppId, type CollaboratorId } from '../model/ids.ts'
import type { Database } from './database.ts'
import type { CollaboratorRecords } from './account-records.ts'

type CollaboratorRow = {
  id: CollaboratorId
  app_id: AppId
  account_id: AccountId
  role: GivenRole
  created_at: number
  updated_at: number
}

export function openCollaboratorRecords(db: Database): CollaboratorRecords {
  return {
    list: (appId) =>
      db
        .all<CollaboratorRow>('SELECT * FROM collaborators WHERE app_id = :appId ORDER BY created_at, rowid', { appId })
        .map(toCollaborator),
    find: (appId, accountId) => {
      const row = db.get<CollaboratorRow>(
        'SELECT * FROM collaborators WHERE app_id = :appId AND account_id = :accountId',
        { appId, accountId },
      )
      return row && toCollaborator(row)
    },
    set: (appId, accountId, role) => set(db, appId, accountId, role),
    remove: (appId, accountId) => {
      db.run('DELETE FROM collaborators WHERE app_id = :appId AND account_id = :accountId', { appId, accountId })
    },
    roleOf: (account, app) => {
      if (account.admin || app.ownerId === account.id) return 'owner'
      return db.get<Pick<CollaboratorRow, 'role'>>(
        'SELECT role FROM collaborators WHERE app_id = :appId AND account_id = :accountId',
        { appId: app.id, accountId: account.id },
      )?.role
    },
  }
}

function set(db: Database, appId: AppId, accountId: AccountId, role: GivenRole): Collaborator {
  const row = db.change<CollaboratorRow>(
    `INSERT INTO collaborators (id, app_id, account_id, role, created_at, updated_at)
     VALUES (:id, :appId, :accountId, :role, :now, :now)
     ON CONFLICT (app_id, account_id) DO UPDATE SET role = excluded.role, updated_at = excluded.updated_at
     RETURNING *`,
    { id: newId<CollaboratorId>(), appId, accountId, role, now: Date.now() },
  )
  return toCollaborator(row as CollaboratorRow)
}

function toCollaborator(row: CollaboratorRow): Collaborator {
  return {
    id: row.id,
    appId: row.app_id,
    accountId: row.account_id,
    role: row.role,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
