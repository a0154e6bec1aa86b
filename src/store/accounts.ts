import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import { newId, type AccountId } from '../model/ids.ts'
import { isDuplicate, type Database } from './database.ts'
import { hashPassword, hashPasswordSync, verifyPassword } from './password.ts'
import type { AccountRecords } from './account-records.ts'

export type AccountRow = {
  id: AccountId
  email: string
  name: string | null
  admin: number
  suspended_at: number | null
  two_factor: number
  created_at: number
  updated_at: number
}

export function openAccountRecords(db: Database): AccountRecords {
  return {
    create: (account) => create(db, account),
    find: (idOrEmail) => {
      const row = db.get<AccountRow>(
        'SELECT * FROM accounts WHERE (id = :key OR email = lower(:key)) AND former_email IS NULL',
        { key: idOrEmail },
      )
      return row && toAccount(row)
    },
    emailOf: (id) =>
      db.get<{ email: string }>('SELECT coalesce(former_email, email) AS email FROM accounts WHERE id = :id', { id })
        ?.email ?? '',
    list: () =>
      db.all<AccountRow>('SELECT * FROM accounts WHERE former_email IS NULL ORDER BY created_at, rowid').map(toAccount),
    authenticate: (email, password) => authenticate(db, email, password),
    hasPassword: (id) => db.get('SELECT 1 FROM accounts WHERE id = :id AND password IS NOT NULL', { id }) !== undefined,
    setPassword: async (id, password) => {
      const hash = await hashPassword(password)
      db.run('UPDATE accounts SET password = :hash, updated_at = :now WHERE id = :id', { id, hash, now: Date.now() })
    },
    update: (id, { name }) =>
      changed(
        db.change<AccountRow>(
          'UPDATE accounts SET name = :name, updated_at = :now WHERE id = :id AND former_email IS NULL RETURNING *',
          { id, name, now: Date.now() },
        ),
      ),
    suspend: (id) =>
      changed(
        db.change<AccountRow>(
          `UPDATE accounts SET suspended_at = coalesce(suspended_at, :now), updated_at = :now
           WHERE id = :id AND former_email IS NULL RETURNING *`,
          { id, now: Date.now() },
        ),
      ),
    restore: (id) =>
      changed(
        db.change<AccountRow>(
          `UPDATE accounts SET suspended_at = NULL, updated_at = :now
           WHERE id = :id AND former_email IS NULL RETURNING *`,
          { id, now: Date.now() },
        ),
      ),
    remove: (id) => db.transaction(() => remove(db, id)),
  }
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    admin: row.admin === 1,
    twoFactor: row.two_factor === 1,
    suspendedAt: row.suspended_at === null ? null : new Date(row.suspended_at),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function create(db: Database, account: Parameters<AccountRecords['create']>[0]): Account {
  const now = Date.now()
  const row: AccountRow = {
    id: newId<AccountId>(),
    email: account.email.toLowerCase(),
    name: account.name ?? null,
    admin: account.admin ? 1 : 0,
    suspended_at: null,
    two_factor: 0,
    created_at: now,
    updated_at: now,
  }
  const password = account.password === undefined ? null : hashPasswordSync(account.password)
  const { suspended_at: _none, two_factor: _off, ...inserted } = row
  try {
    db.run(
      `INSERT INTO accounts (id, email, name, admin, password, created_at, updated_at)
       VALUES (:id, :email, :name, :admin, :password, :created_at, :updated_at)`,
      { ...inserted, password },
    )
  } catch (cause) {
    if (!isDuplicate(cause)) throw cause
    throw new PaasError('name_taken', `An account with the email ${row.email} exists.`, { cause })
  }
  return toAccount(row)
}

async function authenticate(db: Database, email: string, password: string): Promise<Account | undefined> {
  const row = db.get<AccountRow & { password: string | null }>('SELECT * FROM accounts WHERE email = lower(:email)', {
    email,
  })
  const right = await verifyPassword(password, row?.suspended_at === null ? row.password : null)
  return right && row ? toAccount(row) : undefined
}

/** What opens it goes, and what it may do; its row stays. */
function remove(db: Database, id: AccountId): void {
  for (const table of ['tokens', 'keys', 'collaborators', 'sources', 'two_factors', 'recovery_codes']) {
    db.run(`DELETE FROM ${table} WHERE account_id = :id`, { id })
  }
  db.run(`DELETE FROM app_transfers WHERE state = 'pending' AND (owner_id = :id OR recipient_id = :id)`, { id })
  db.run(
    `UPDATE accounts SET former_email = email, email = id, password = NULL, suspended_at = :now, updated_at = :now
     WHERE id = :id AND former_email IS NULL`,
    { id, now: Date.now() },
  )
}

function changed(row: AccountRow | undefined): Account {
  if (row) return toAccount(row)
  throw new PaasError('not_found', 'The account no longer exists.')
}
