import { PaasError } from '../errors.ts'
import type { AppTransfer } from '../model/app-transfer.ts'
import { newId, type AccountId, type AppId, type AppTransferId } from '../model/ids.ts'
import { isDuplicate, type Database } from './database.ts'
import type { AppTransferRecords } from './store.ts'

type TransferRow = {
  id: AppTransferId
  app_id: AppId
  owner_id: AccountId
  recipient_id: AccountId
  state: AppTransfer['state']
  created_at: number
  updated_at: number
}

export function openAppTransferRecords(db: Database): AppTransferRecords {
  return {
    create: (transfer) => create(db, transfer),
    list: (accountId) =>
      db
        .all<TransferRow>(
          `SELECT app_transfers.* FROM app_transfers JOIN apps ON apps.id = app_id
           WHERE apps.destroying = 0
             AND (:accountId IS NULL OR app_transfers.owner_id = :accountId OR recipient_id = :accountId)
           ORDER BY app_transfers.created_at DESC, app_transfers.rowid DESC`,
          { accountId: accountId ?? null },
        )
        .map(toTransfer),
    setState: (id, state) =>
      changed(
        db.change<TransferRow>(
          'UPDATE app_transfers SET state = :state, updated_at = :now WHERE id = :id RETURNING *',
          { id, state, now: Date.now() },
        ),
      ),
    remove: (id) => {
      db.run('DELETE FROM app_transfers WHERE id = :id', { id })
    },
  }
}

function create(
  db: Database,
  { appId, ownerId, recipientId }: Parameters<AppTransferRecords['create']>[0],
): AppTransfer {
  try {
    return changed(
      db.change<TransferRow>(
        `INSERT INTO app_transfers (id, app_id, owner_id, recipient_id, state, created_at, updated_at)
         VALUES (:id, :appId, :ownerId, :recipientId, 'pending', :now, :now) RETURNING *`,
        { id: newId<AppTransferId>(), appId, ownerId, recipientId, now: Date.now() },
      ),
    )
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', 'A transfer of this app is pending already.', {
      hint: 'Cancel it with: paas transfers:cancel APP',
      cause,
    })
  }
}

function changed(row: TransferRow | undefined): AppTransfer {
  if (row) return toTransfer(row)
  throw new PaasError('not_found', 'The transfer no longer exists.')
}

function toTransfer(row: TransferRow): AppTransfer {
  return {
    id: row.id,
    appId: row.app_id,
    ownerId: row.owner_id,
    recipientId: row.recipient_id,
    state: row.state,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}
