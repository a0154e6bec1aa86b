import { createHash, randomBytes } from 'node:crypto'
import { PaasError } from '../errors.ts'
import type { Token } from '../model/account.ts'
import { newId, type AccountId, type TokenId } from '../model/ids.ts'
import { toAccount, type AccountRow } from './accounts.ts'
import type { Database } from './database.ts'
import type { TokenRecords } from './account-records.ts'

type TokenRow = {
  id: TokenId
  secret_sha256: Uint8Array
  account_id: AccountId
  description: string
  scope: string
  session: number
  created_at: number
  updated_at: number
  expires_at: number | null
}

const columns = 'id, secret_sha256, account_id, description, scope, session, created_at, updated_at, expires_at'

export function openTokenRecords(db: Database): TokenRecords {
  return {
    create: (token) => create(db, token),
    authenticate: (secret) => authenticate(db, secret),
    list: (accountId) =>
      db
        .all<TokenRow>(`SELECT ${columns} FROM tokens WHERE account_id = :accountId ORDER BY created_at, rowid`, {
          accountId,
        })
        .map(toToken),
    find: (id) => {
      const row = db.get<TokenRow>(`SELECT ${columns} FROM tokens WHERE id = :id`, { id })
      return row && toToken(row)
    },
    describe: (id, description) =>
      changed(
        db.change<TokenRow>(
          `UPDATE tokens SET description = :description, updated_at = :now WHERE id = :id RETURNING ${columns}`,
          { id, description, now: Date.now() },
        ),
      ),
    rotate: (id) => rotate(db, id),
    remove: (id) => {
      db.run('DELETE FROM tokens WHERE id = :id', { id })
    },
    removeSessions: (accountId, kept) => {
      db.run('DELETE FROM tokens WHERE account_id = :accountId AND session = 1 AND id IS NOT :kept', {
        accountId,
        kept,
      })
    },
  }
}

function create(db: Database, token: Parameters<TokenRecords['create']>[0]): ReturnType<TokenRecords['create']> {
  const secret = newSecret()
  const now = Date.now()
  const row: TokenRow = {
    id: newId<TokenId>(),
    secret_sha256: sha256(secret),
    account_id: token.accountId,
    description: token.description,
    scope: JSON.stringify(token.scope),
    session: token.session ? 1 : 0,
    created_at: now,
    updated_at: now,
    expires_at: token.expiresAt?.getTime() ?? null,
  }
  db.run(
    `INSERT INTO tokens (${columns})
     VALUES (:id, :secret_sha256, :account_id, :description, :scope, :session, :created_at, :updated_at, :expires_at)`,
    row,
  )
  return { token: toToken(row), secret }
}

function rotate(db: Database, id: TokenId): ReturnType<TokenRecords['rotate']> {
  const secret = newSecret()
  const row = db.change<TokenRow>(
    `UPDATE tokens SET secret_sha256 = :hash, updated_at = :now WHERE id = :id RETURNING ${columns}`,
    { id, hash: sha256(secret), now: Date.now() },
  )
  return { token: changed(row), secret }
}

/** The prefix lets secret scanners know what they found. */
function newSecret(): string {
  return `paas-${randomBytes(32).toString('base64url')}`
}

function authenticate(db: Database, secret: string): ReturnType<TokenRecords['authenticate']> {
  const row = db.get<TokenRow>(
    `SELECT ${columns} FROM tokens WHERE secret_sha256 = :hash AND (expires_at IS NULL OR expires_at > :now)`,
    { hash: sha256(secret), now: Date.now() },
  )
  const account =
    row && db.get<AccountRow>('SELECT * FROM accounts WHERE id = :id AND suspended_at IS NULL', { id: row.account_id })
  return row && account && { token: toToken(row), account: toAccount(account) }
}

/** A plain hash is enough: the secret has 256 random bits, so there is nothing to guess. */
function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function changed(row: TokenRow | undefined): Token {
  if (row) return toToken(row)
  throw new PaasError('not_found', 'The authorization no longer exists.')
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    accountId: row.account_id,
    fingerprint: Buffer.from(row.secret_sha256).toString('hex', 0, 8),
    description: row.description,
    scope: JSON.parse(row.scope) as string[],
    session: row.session === 1,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    expiresAt: row.expires_at === null ? null : new Date(row.expires_at),
  }
}
