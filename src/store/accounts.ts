import { PaasError } from '../errors.ts'
import type { Account } from '../model/account.ts'
import { newId, type AccountId } from '../model/ids.ts'
import { isDuplicate, type Database } from './database.ts'
import { hashPassword, hashPasswordSync, verifyPassword } from './password.ts'
import type { Accounts } from './store.ts'

export type AccountRow = {
  id: AccountId
  email: string
  name: string | null
  admin: number
  created_at: number
  updated_at: number
}

export function openAccounts(db: Database): Accounts {
  return {
    create: (account) => create(db, account),
    find: (idOrEmail) => {
      const row = db.get<AccountRow>('SELECT * FROM accounts WHERE id = :key OR email = lower(:key)', {
        key: idOrEmail,
      })
      return row && toAccount(row)
    },
    list: () => db.all<AccountRow>('SELECT * FROM accounts ORDER BY created_at, rowid').map(toAccount),
    authenticate: (email, password) => authenticate(db, email, password),
    hasPassword: (id) => db.get('SELECT 1 FROM accounts WHERE id = :id AND password IS NOT NULL', { id }) !== undefined,
    setPassword: async (id, password) => {
      const hash = await hashPassword(password)
      db.run('UPDATE accounts SET password = :hash, updated_at = :now WHERE id = :id', { id, hash, now: Date.now() })
    },
    update: (id, { name }) => {
      const row = db.change<AccountRow>(
        'UPDATE accounts SET name = :name, updated_at = :now WHERE id = :id RETURNING *',
        {
          id,
          name,
          now: Date.now(),
        },
      )
      if (!row) throw new PaasError('not_found', `There is no account with the id ${id}.`)
      return toAccount(row)
    },
  }
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    admin: row.admin === 1,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

function create(db: Database, account: Parameters<Accounts['create']>[0]): Account {
  const now = Date.now()
  const row: AccountRow = {
    id: newId<AccountId>(),
    email: account.email.toLowerCase(),
    name: account.name ?? null,
    admin: account.admin ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
  const password = account.password === undefined ? null : hashPasswordSync(account.password)
  try {
    db.run(
      `INSERT INTO accounts (id, email, name, admin, password, created_at, updated_at)
       VALUES (:id, :email, :name, :admin, :password, :created_at, :updated_at)`,
      { ...row, password },
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
  const right = await verifyPassword(password, row?.password)
  return right && row ? toAccount(row) : undefined
}
