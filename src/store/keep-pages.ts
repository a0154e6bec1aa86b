import { existsSync, statSync } from 'node:fs'
import { PaasError } from '../errors.ts'
import { Database } from './database.ts'
import { markSums, readSums, sumsOf, writeSums, type PageSums } from './page-sums.ts'

/**
 * Milliseconds after which a difference is looked at again: somebody else's checkpoint may be in
 * progress.
 */
const secondLook = 100
/** So many pages are named. */
const mostNamed = 5

const sumsPath = (path: string): string => `${path}-sums`

/**
 * Compares the main file with what it was when it was last written to. SQLite writes to it in
 * checkpoints only, and each brings a newer commit and changes other pages with it; so whatever
 * else differs was damaged (docs/decisions/0054).
 * @throws database_damaged, at every call from then on until the sums are removed
 */
export function checkPages(db: Database, path: string): void {
  const kept = readSums(sumsPath(path))
  if (kept === undefined) return
  alone(db, () => {
    let found = damageOf(path, kept)
    if (found.length > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, secondLook)
    if (found.length > 0) found = damageOf(path, kept)
    if (found.length === 0 && kept.state === 'kept') return
    attempt(() => markSums(sumsPath(path), 'damaged'))
    throw new PaasError('database_damaged', describe(db, path, found), {
      hint: `Stop the server and restore its data directory from a backup. To accept the database as it is, remove ${sumsPath(path)} and start again.`,
    })
  })
}

/**
 * Checks the main file, brings the log into it, and notes what it is then. What the disk refuses is
 * left for another time.
 * @throws database_damaged
 */
export function keepPages(db: Database, path: string): void {
  checkPages(db, path)
  attempt(() => {
    if (isKept(path)) return
    alone(db, () => {
      markSums(sumsPath(path), 'changing')
      // Outside the transaction, which blocks all other writers.
      using other = new Database(path)
      const done = other.get<{ busy: number }>('PRAGMA wal_checkpoint(PASSIVE)')
      if (done?.busy === 0) writeSums(sumsPath(path), sumsOf(path))
    })
  })
}

/** Nothing was written since. */
function isKept(path: string): boolean {
  const log = `${path}-wal`
  return readSums(sumsPath(path)) !== undefined && (!existsSync(log) || statSync(log).size === 0)
}

/**
 * The numbers of the pages, from 1. One alone that differs is damage even where the commit differs
 * too: it is the one with its number.
 */
function damageOf(path: string, kept: PageSums): number[] {
  const now = sumsOf(path)
  const count = Math.max(now.pages.length, kept.pages.length)
  const differing: number[] = []
  for (let i = 0; i < count; i++) if (now.pages[i] !== kept.pages[i]) differing.push(i + 1)
  return now.commits === kept.commits || differing.length === 1 ? differing : []
}

function describe(db: Database, path: string, pages: number[]): string {
  if (pages.length === 0) return `${path} was found damaged before.`
  const names = pages.slice(0, mostNamed).map((page) => `${page} (${contentOf(db, page)})`)
  const more = pages.length > mostNamed ? ` and ${pages.length - mostNamed} more` : ''
  return `The database is damaged: of ${path} these pages of 4096 bytes differ from what was written: ${names.join(', ')}${more}.`
}

/** What of the database is in a page, as far as it can still be read. */
function contentOf(db: Database, page: number): string {
  try {
    return db.get<{ name: string }>('SELECT name FROM dbstat WHERE pageno = :page', { page })?.name ?? 'in no table'
  } catch {
    return 'cannot be read'
  }
}

/** While nobody commits, and so nobody begins a checkpoint. */
function alone(db: Database, work: () => void): void {
  db.execute('BEGIN IMMEDIATE')
  try {
    work()
  } finally {
    db.execute('ROLLBACK')
  }
}

/**
 * A disk that is full, read-only or gone keeps nobody from going on: nothing is known of the file
 * then, which harms nobody.
 */
function attempt(work: () => void): void {
  try {
    work()
  } catch (cause) {
    if (cause instanceof PaasError && cause.code === 'database_damaged') throw cause
  }
}
