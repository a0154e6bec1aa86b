import { createHash, randomBytes, randomInt } from 'node:crypto'
import { PaasError } from '../errors.ts'
import { newId, type AccountId, type AppId, type OneOffId, type ReleaseId, type TokenId } from '../model/ids.ts'
import { mostOneOffs, oneOffLimits, type AskedOneOff, type OneOff, type OneOffInput } from '../model/one-off.ts'
import type { ConfigVars } from '../model/release.ts'
import type { Cipher } from '../cipher.ts'
import type { Database, Parameters } from './database.ts'
import type { OneOffRecords } from './dyno-records.ts'

type OneOffRow = {
  id: OneOffId
  app_id: AppId
  release_id: ReleaseId
  account_id: AccountId
  token_id: TokenId | null
  token_fingerprint: string | null
  dyno: string | null
  name: string
  command: Uint8Array
  env: Uint8Array
  size: string
  input: OneOffInput
  time_to_live: number
  started_at: number | null
  created_at: number
}

type Deps = { db: Database; cipher: Cipher }

/** What is typed into a command or its environment is often a secret: both are encrypted. */
export function openOneOffRecords(db: Database, cipher: Cipher): OneOffRecords {
  const deps = { db, cipher }
  return {
    create: (asked) => db.transaction(() => create(deps, asked)),
    find: (id) => one(deps, 'SELECT * FROM one_offs WHERE id = :id', { id }),
    findByName: (appId, name) =>
      one(deps, 'SELECT * FROM one_offs WHERE app_id = :appId AND name = :name', { appId, name }),
    list: (appId) =>
      db
        .all<OneOffRow>('SELECT * FROM one_offs WHERE :appId IS NULL OR app_id = :appId ORDER BY created_at, rowid', {
          appId: appId ?? null,
        })
        .map((row) => toOneOff(cipher, row)),
    start: (id) => start(deps, `id = :id`, { id }),
    redeem: (token) =>
      start(deps, `token_sha256 = :hash AND created_at > :oldest AND ${isOfOpenAccount}`, {
        hash: sha256(token),
        oldest: oldestWaiting(),
      }),
    removeExpired: () => removeExpired(db),
    remove: (id) => {
      db.run('DELETE FROM one_offs WHERE id = :id', { id })
    },
  }
}

function create({ db, cipher }: Deps, asked: AskedOneOff): ReturnType<OneOffRecords['create']> {
  const { appId, releaseId, accountId, token: by = null, dyno = null, command, env, size, input, timeToLive } = asked
  removeExpired(db)
  const id = newId<OneOffId>()
  const token = input === 'none' ? null : randomBytes(32).toString('base64url')
  const row = db.change<OneOffRow>(
    `INSERT INTO one_offs (id, app_id, release_id, account_id, token_id, token_fingerprint, dyno, name, command, env, size, input, time_to_live, token_sha256, created_at)
     VALUES (:id, :appId, :releaseId, :accountId, :tokenId, :fingerprint, :dyno, :name, :command, :env, :size, :input, :timeToLive, :hash, :now)
     RETURNING *`,
    {
      id,
      appId,
      releaseId,
      accountId,
      tokenId: by?.id ?? null,
      fingerprint: by?.fingerprint ?? null,
      dyno,
      size,
      input,
      timeToLive,
      name: freeName(db, appId, dyno === null ? 'run' : 'exec'),
      command: cipher.seal(command, 'one-off command', appId, id),
      env: cipher.seal(JSON.stringify(env), 'one-off env', appId, id),
      hash: token === null ? null : sha256(token),
      now: Date.now(),
    },
  )
  if (!row) throw new PaasError('internal', `No one-off dyno was made for app ${appId}.`)
  return { oneOff: toOneOff(cipher, row), token }
}

const isOfOpenAccount = 'EXISTS (SELECT 1 FROM accounts WHERE id = account_id AND suspended_at IS NULL)'

/** Those whose client never came. */
function removeExpired(db: Database): void {
  db.run('DELETE FROM one_offs WHERE token_sha256 IS NOT NULL AND created_at <= :oldest', { oldest: oldestWaiting() })
}

function oldestWaiting(): number {
  return Date.now() - oneOffLimits.rendezvous * 1000
}

/** @throws one_offs_limit */
function freeName(db: Database, appId: AppId, kind: 'run' | 'exec'): string {
  const rows = db.all<{ name: string }>('SELECT name FROM one_offs WHERE app_id = :appId', { appId })
  const taken = new Set(rows.map(({ name }) => name))
  if (taken.size >= mostOneOffs) {
    throw new PaasError(
      'one_offs_limit',
      `The app has ${taken.size} one-off dynos; the limit is ${mostOneOffs} at once.`,
    )
  }
  for (;;) {
    const name = `${kind}.${randomInt(1000, 10_000)}`
    if (!taken.has(name)) return name
  }
}

function start({ db, cipher }: Deps, condition: string, parameters: Parameters): OneOff | undefined {
  const row = db.change<OneOffRow>(
    `UPDATE one_offs SET started_at = :now, token_sha256 = NULL WHERE started_at IS NULL AND ${condition} RETURNING *`,
    { ...parameters, now: Date.now() },
  )
  return row && toOneOff(cipher, row)
}

function one({ db, cipher }: Deps, sql: string, parameters: Parameters): OneOff | undefined {
  const row = db.get<OneOffRow>(sql, parameters)
  return row && toOneOff(cipher, row)
}

function toOneOff(cipher: Cipher, row: OneOffRow): OneOff {
  return {
    id: row.id,
    appId: row.app_id,
    releaseId: row.release_id,
    accountId: row.account_id,
    token:
      row.token_id !== null && row.token_fingerprint !== null
        ? { id: row.token_id, fingerprint: row.token_fingerprint }
        : null,
    dyno: row.dyno,
    name: row.name,
    command: cipher.open(row.command, 'one-off command', row.app_id, row.id),
    env: JSON.parse(cipher.open(row.env, 'one-off env', row.app_id, row.id)) as ConfigVars,
    size: row.size,
    input: row.input,
    timeToLive: row.time_to_live,
    state: row.started_at === null ? { kind: 'waiting' } : { kind: 'started', at: new Date(row.started_at) },
    createdAt: new Date(row.created_at),
  }
}

/** A plain hash is enough: a token has 256 random bits, so there is nothing to guess. */
function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
