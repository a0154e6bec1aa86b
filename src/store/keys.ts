import { PaasError } from '../errors.ts'
import { newId, type AccountId, type KeyId } from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import { isDuplicate, type Database } from './database.ts'
import type { KeyRecords } from './account-records.ts'

type KeyRow = {
  id: KeyId
  account_id: AccountId
  public_key: string
  comment: string
  fingerprint: string
  created_at: number
}

export function openKeyRecords(db: Database): KeyRecords {
  return {
    create: (key) => create(db, key),
    list: (accountId) =>
      db
        .all<KeyRow>('SELECT * FROM keys WHERE account_id = :accountId ORDER BY created_at, rowid', { accountId })
        .map(toKey),
    remove: (id) => {
      db.run('DELETE FROM keys WHERE id = :id', { id })
    },
  }
}

function create(
  db: Database,
  { accountId, publicKey, comment, fingerprint }: Parameters<KeyRecords['create']>[0],
): Key {
  try {
    const row = db.change<KeyRow>(
      `INSERT INTO keys (id, account_id, public_key, comment, fingerprint, created_at)
       VALUES (:id, :accountId, :publicKey, :comment, :fingerprint, :now) RETURNING *`,
      { id: newId<KeyId>(), accountId, publicKey, comment, fingerprint, now: Date.now() },
    )
    return toKey(row as KeyRow)
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', `Your account has the key ${fingerprint} already.`, { cause })
  }
}

function toKey(row: KeyRow): Key {
  return {
    id: row.id,
    accountId: row.account_id,
    publicKey: row.public_key,
    comment: row.comment,
    fingerprint: row.fingerprint,
    createdAt: new Date(row.created_at),
  }
}
