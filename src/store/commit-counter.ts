import { closeSync, constants, copyFileSync, existsSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { PaasError } from '../errors.ts'
import type { Database } from './database.ts'

const slots = 64
const slotBytes = 8

/**
 * Notices a record that lost its newest commits. SQLite takes a damaged frame for the end of the
 * write-ahead log and drops what follows without a word, so each commit is numbered in the database
 * and, once acknowledged, also in a file beside it. A database whose number is below that file's
 * has lost something.
 *
 * Number n goes to slot n mod 64, so that processes that commit at the same time never overwrite
 * the greatest number. The file is not synced: when power fails it may lag, which hides a loss but
 * never reports one that is not.
 */
export class CommitCounter implements Disposable {
  readonly #file: number
  #changesSeen: number

  constructor(path: string, db: Database) {
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o660)
    reserve(this.#file)
    this.#changesSeen = totalChanges(db)
  }

  /** The greatest number acknowledged by any process; 0 for a new file. */
  acknowledged(): number {
    const bytes = Buffer.alloc(slots * slotBytes)
    readSync(this.#file, bytes, 0, bytes.length, 0)
    return Math.max(...Array.from({ length: slots }, (_, slot) => Number(bytes.readBigUInt64BE(slot * slotBytes))))
  }

  /**
   * Called inside a transaction: the number of this commit, or undefined when it changes nothing.
   */
  next(db: Database): number | undefined {
    if (totalChanges(db) === this.#changesSeen) return undefined
    const row = db.get<{ commits: number }>('UPDATE meta SET commits = commits + 1 RETURNING commits')
    this.#changesSeen = totalChanges(db)
    return row?.commits
  }

  /** Never throws: the commit is done, whatever becomes of its number. */
  acknowledge(commits: number): void {
    const bytes = Buffer.alloc(slotBytes)
    bytes.writeBigUInt64BE(BigInt(commits))
    try {
      writeSync(this.#file, bytes, 0, slotBytes, (commits % slots) * slotBytes)
    } catch {
      return // at worst a missing number hides a loss, until the next one is written
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}

/**
 * The file has its full size from the beginning, so that numbers can be written when the disk is
 * full.
 */
function reserve(file: number): void {
  const { size } = fstatSync(file)
  const whole = slots * slotBytes
  if (size < whole) writeSync(file, Buffer.alloc(whole - size), 0, whole - size, size)
}

/** @throws database_damaged when acknowledged commits are missing */
export function checkCommits(db: Database, counter: CommitCounter, path: string): void {
  // The order matters: other processes may commit in between.
  const acknowledged = counter.acknowledged()
  const present = db.get<{ commits: number }>('SELECT commits FROM meta')?.commits ?? 0
  if (present >= acknowledged) return
  const kept = keepLog(path)
  throw new PaasError(
    'database_damaged',
    `The database lost its newest changes: it ends at commit ${present}, but ${acknowledged} was acknowledged.${kept}`,
    { hint: `Restore it from a backup. To accept the loss, remove ${path}-commits and start again.` },
  )
}

/**
 * SQLite removes the log when the database is closed; what it could not read in it may still be of
 * use.
 */
function keepLog(path: string): string {
  if (!existsSync(`${path}-wal`)) return ''
  copyFileSync(`${path}-wal`, `${path}-wal-damaged`)
  return ` Its log is kept as ${path}-wal-damaged.`
}

function totalChanges(db: Database): number {
  return db.get<{ n: number }>('SELECT total_changes() AS n')?.n ?? 0
}
