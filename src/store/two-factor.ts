import { createHash, randomBytes } from 'node:crypto'
import type { AccountId } from '../model/ids.ts'
import { base32, isTotp, totpMatch } from '../model/totp.ts'
import type { Cipher } from '../cipher.ts'
import type { TwoFactorRecords } from './account-records.ts'
import type { Database } from './database.ts'

/** Bytes, as RFC 4226 (4, R6) recommends. */
const secretBytes = 20
const recoveryCodes = 10
/** Bytes of each: nobody can guess 80 bits, so a plain hash is enough. */
const recoveryBytes = 10

type Row = { secret: Uint8Array; last_period: number; two_factor: number }

export function openTwoFactorRecords(db: Database, cipher: Cipher): TwoFactorRecords {
  const read = (id: AccountId): Row | undefined =>
    db.get<Row>(
      `SELECT secret, last_period, two_factor FROM two_factors JOIN accounts ON accounts.id = account_id
       WHERE account_id = :id`,
      { id },
    )
  const matches = (id: AccountId, code: string): boolean => {
    const row = read(id)
    if (!row) return false
    const secret = Buffer.from(cipher.open(row.secret, 'two factor', id), 'base64')
    const period = totpMatch(secret, code, { now: new Date(), last: row.last_period })
    if (period === undefined) return false
    db.run('UPDATE two_factors SET last_period = :period WHERE account_id = :id', { id, period })
    return true
  }
  return {
    begin: (id) => begin(db, cipher, id),
    isBegun: (id) => read(id)?.two_factor === 0,
    confirm: (id, code) =>
      db.transaction(() => {
        if (read(id)?.two_factor !== 0 || !matches(id, code)) return undefined
        setEnabled(db, id, true)
        return renewCodes(db, id)
      }),
    check: (id, code) =>
      db.transaction(() => (isTotp(code) ? matches(id, code) : read(id)?.two_factor === 1 && useCode(db, id, code))),
    codesLeft: (id) =>
      db.get<{ n: number }>('SELECT count(*) AS n FROM recovery_codes WHERE account_id = :id', { id })?.n ?? 0,
    renewCodes: (id) => db.transaction(() => renewCodes(db, id)),
    remove: (id) =>
      db.transaction(() => {
        setEnabled(db, id, false)
        db.run('DELETE FROM two_factors WHERE account_id = :id', { id })
        db.run('DELETE FROM recovery_codes WHERE account_id = :id', { id })
      }),
  }
}

/** In place of one that was begun and never confirmed. */
function begin(db: Database, cipher: Cipher, id: AccountId): Buffer {
  const secret = randomBytes(secretBytes)
  db.run(
    `INSERT INTO two_factors (account_id, secret, last_period, created_at) VALUES (:id, :secret, 0, :now)
     ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, last_period = 0, created_at = :now`,
    { id, secret: cipher.seal(secret.toString('base64'), 'two factor', id), now: Date.now() },
  )
  return secret
}

function setEnabled(db: Database, id: AccountId, isEnabled: boolean): void {
  db.run('UPDATE accounts SET two_factor = :on, updated_at = :now WHERE id = :id', {
    id,
    on: isEnabled ? 1 : 0,
    now: Date.now(),
  })
}

function renewCodes(db: Database, id: AccountId): string[] {
  const codes = Array.from({ length: recoveryCodes }, () => readable(base32(randomBytes(recoveryBytes))))
  db.run('DELETE FROM recovery_codes WHERE account_id = :id', { id })
  for (const code of codes) {
    db.run('INSERT INTO recovery_codes (account_id, code_sha256) VALUES (:id, :hash)', { id, hash: hashOf(code) })
  }
  return codes
}

/** Each works once. */
function useCode(db: Database, id: AccountId, code: string): boolean {
  const used = db.run('DELETE FROM recovery_codes WHERE account_id = :id AND code_sha256 = :hash', {
    id,
    hash: hashOf(code),
  })
  return used === 1
}

/** Case, spaces and dashes do not matter: people copy them from paper. */
function hashOf(code: string): Buffer {
  return createHash('sha256').update(code.toLowerCase().replaceAll(/[\s-]/g, '')).digest()
}

/** `abcd-efgh-ijkl-mnop` */
function readable(code: string): string {
  return (code.toLowerCase().match(/.{4}/g) ?? []).join('-')
}
