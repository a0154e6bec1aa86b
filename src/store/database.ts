import { rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { asDiskError, asExhaustion, PaasError } from '../errors.ts'

export type Parameters = Record<string, SQLInputValue>

/** What numbers the commits: see `CommitCounter`. */
interface CommitNumbers extends Disposable {
  next(db: Database): number | undefined
  acknowledge(commits: number): void
}

/** More than SQLite asks of the disk at once (its file of shared memory grows by 32 KiB). */
const probeBytes = 64 * 1024

/** How long a statement waits for another process's transaction, in milliseconds. */
const busyTimeout = 10_000

/**
 * One SQLite connection: statements prepared once, transactions that join, SQLite's errors in our
 * words.
 */
export class Database implements Disposable {
  readonly #path: string
  readonly #connection: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #counter: CommitNumbers | undefined
  #onCommit: ((commits: number) => void) | undefined
  #beforeCommit: (() => (() => void) | undefined) | undefined
  #depth = 0
  #changed = false

  constructor(path: string) {
    this.#path = path
    this.#connection = explained(path, () => new DatabaseSync(path, { timeout: busyTimeout }))
    // FULL: a commit is synced before it is acknowledged; NORMAL loses the newest ones when power
    // fails.
    this.execute('PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
  }

  /**
   * From here on every commit is counted, inside the database and beside it, and `onCommit` is told
   * its number.
   */
  countCommits(counter: CommitNumbers, onCommit: (commits: number) => void): void {
    this.#counter = counter
    this.#onCommit = onCommit
  }

  /**
   * Called in each transaction that has changed rows, before it ends; what it gives is called once
   * that is on disk.
   */
  beforeCommit(hook: () => (() => void) | undefined): void {
    this.#beforeCommit = hook
  }

  execute(sql: string): void {
    explained(this.#path, () => this.#connection.exec(sql))
  }

  all<Row>(sql: string, parameters: Parameters = {}): Row[] {
    return explained(this.#path, () => this.#prepare(sql).all(parameters) as Row[])
  }

  get<Row>(sql: string, parameters: Parameters = {}): Row | undefined {
    return explained(this.#path, () => this.#prepare(sql).get(parameters) as Row | undefined)
  }

  /** Changes rows, in a transaction of its own if none is open; gives how many. */
  run(sql: string, parameters: Parameters = {}): number {
    return this.transaction(() => {
      const changes = explained(this.#path, () => Number(this.#prepare(sql).run(parameters).changes))
      this.#changed ||= changes > 0
      return changes
    })
  }

  /** Like `run`, for one row and a statement with RETURNING. */
  change<Row>(sql: string, parameters: Parameters = {}): Row | undefined {
    return this.transaction(() => {
      const row = this.get<Row>(sql, parameters)
      this.#changed ||= row !== undefined
      return row
    })
  }

  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work()
    this.execute('BEGIN IMMEDIATE')
    const { result, commits } = this.#commit(work)
    if (commits !== undefined) this.#onCommit?.(commits)
    return result
  }

  #commit<T>(work: () => T): { result: T; commits: number | undefined } {
    this.#depth += 1
    this.#changed = false
    try {
      const result = work()
      const written = this.#changed ? this.#beforeCommit?.() : undefined
      const commits = this.#counter?.next(this)
      this.execute('COMMIT')
      if (commits !== undefined) this.#counter?.acknowledge(commits)
      written?.()
      return { result, commits }
    } catch (cause) {
      // SQLite itself rolls back on some errors (disk full, I/O).
      if (this.#connection.isTransaction) this.execute('ROLLBACK')
      throw cause
    } finally {
      this.#depth -= 1
    }
  }

  [Symbol.dispose](): void {
    if (!this.#connection.isOpen) return
    this.#statements.clear()
    this.#counter?.[Symbol.dispose]()
    this.#connection.close()
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#connection.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/**
 * The main file as it is on disk, and the newest commit in it: where a file is said never to change
 * SQLite does not look into the log (https://sqlite.org/uri.html). Read by SQLite, since opening
 * and closing the file in another way would drop this process's locks on it
 * (https://sqlite.org/howtocorrupt.html, section 2.2).
 */
export function readMainFile(path: string): { bytes: Uint8Array; commits: bigint } {
  return explained(path, () => {
    using db = new DatabaseSync(new URL(`${pathToFileURL(path).href}?immutable=1`), { readOnly: true })
    const meta = db.prepare('SELECT commits FROM meta')
    meta.setReadBigInts(true)
    return { bytes: db.serialize(), commits: (meta.get() as { commits: bigint }).commits }
  })
}

/** True when `cause` says that a row with the same unique value exists. */
export function isDuplicate(cause: unknown): boolean {
  return sqliteCode(cause) === 2067
}

/** Result codes of https://sqlite.org/rescode.html; the low byte is the primary one. */
function sqliteCode(cause: unknown): number | undefined {
  return cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : undefined
}

/** SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN: of these SQLite does not say why. */
const diskCodes = [8, 10, 14]

/**
 * A file is made beside the database: what refuses it refused SQLite's, no inodes, a read-only
 * mount, and no descriptors included.
 */
function troubleOfDisk(path: string): PaasError | undefined {
  const probe = `${path}-probe-${process.pid}`
  try {
    writeFileSync(probe, Buffer.alloc(probeBytes), { mode: 0o600 })
    return undefined
  } catch (cause) {
    return asDiskError(cause, 'The disk with the data directory') ?? asExhaustion(cause)
  } finally {
    rmSync(probe, { force: true })
  }
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const code = sqliteCode(cause)
    if (code === undefined) throw cause
    if ((code & 0xff) === 13) throw new PaasError('disk_full', 'The disk with the data directory is full.', { cause })
    const trouble = diskCodes.includes(code & 0xff) ? troubleOfDisk(path) : undefined
    if (trouble) throw trouble
    if ([11, 26].includes(code & 0xff)) {
      throw new PaasError('database_damaged', `The database is damaged: ${(cause as Error).message}.`, { cause })
    }
    throw cause
  }
}
