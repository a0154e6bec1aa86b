import { closeSync, constants, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { readMainFile } from './database.ts'

/**
 * The CRC-32 of each page of a database's main file, and the number of the newest commit that is in
 * it.
 */
export type PageSums = { commits: bigint; pages: Uint32Array }

/**
 * `changing`: the file was about to be written to, so that nothing is known of it. `damaged`: these
 * are what its pages should be.
 */
export type SumsState = 'changing' | 'kept' | 'damaged'

/** SQLite's default (PRAGMA page_size), which is never changed. */
const pageBytes = 4096

const letters: Record<SumsState, string> = { changing: 'c', kept: 'k', damaged: 'd' }
/** A letter, eight bytes of the commit, and the CRC-32 of the commit and all sums. */
const headBytes = 13

/**
 * Of the file as it is on disk, without the log.
 * @throws database_damaged when SQLite cannot read even its begin
 */
export function sumsOf(path: string): PageSums {
  const { bytes, commits } = readMainFile(path)
  const sum = (_: unknown, i: number): number => crc32(bytes.subarray(i * pageBytes, (i + 1) * pageBytes))
  return { commits, pages: Uint32Array.from({ length: Math.ceil(bytes.length / pageBytes) }, sum) }
}

/**
 * undefined where nothing is known: there is no such file, it was about to change, or is damaged
 * itself.
 */
export function readSums(path: string): (PageSums & { state: SumsState }) | undefined {
  if (!existsSync(path)) return undefined
  const bytes = readFileSync(path)
  const state = (['kept', 'damaged'] as const).find((name) => letters[name] === bytes.toString('latin1', 0, 1))
  if (state === undefined || bytes.length < headBytes || bytes.readUInt32BE(9) !== checkOf(bytes)) return undefined
  const pages = Uint32Array.from({ length: (bytes.length - headBytes) / 4 }, (_, i) =>
    bytes.readUInt32BE(headBytes + 4 * i),
  )
  return { state, commits: bytes.readBigUInt64BE(1), pages }
}

/**
 * On disk before anything else is: what is `changing` must not be taken for damage when power
 * fails.
 */
export function markSums(path: string, state: SumsState): void {
  write(path, Buffer.from(letters[state]))
}

/**
 * In place, so that a full disk takes it. Its letter is on one sector of the disk with the sum of
 * all the rest, which what is half written does not have.
 */
export function writeSums(path: string, { commits, pages }: PageSums): void {
  const bytes = Buffer.alloc(headBytes + pages.length * 4)
  bytes.write(letters.kept)
  bytes.writeBigUInt64BE(commits, 1)
  for (const [i, sum] of pages.entries()) bytes.writeUInt32BE(sum, headBytes + 4 * i)
  bytes.writeUInt32BE(checkOf(bytes), 9)
  write(path, bytes)
}

function checkOf(bytes: Buffer): number {
  return crc32(bytes.subarray(headBytes), crc32(bytes.subarray(1, 9)))
}

function write(path: string, bytes: Buffer): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o660)
  try {
    writeSync(file, bytes, 0, bytes.length, 0)
    if (bytes.length > headBytes) ftruncateSync(file, bytes.length)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
