import { isCode } from '../errors.ts'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * One app's log is a directory of numbered files. The newest is appended to until it is full, by
 * any number of processes; then the writer that finds it full continues with the next number and
 * removes the oldest. "Full" never becomes untrue again, so all writers take the same step without
 * a lock.
 */
export type SegmentSizes = {
  /** A segment of this many bytes or more is full. */
  segmentBytes: number
  /** How many are kept. */
  segments: number
}

export const defaultSizes: SegmentSizes = { segmentBytes: 2 * 2 ** 20, segments: 4 }

export function segmentPath(directory: string, segment: number): string {
  return join(directory, `${String(segment).padStart(8, '0')}.log`)
}

/** Ascending. @throws ENOENT when the app has no log */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => /^\d{8,}\.log$/.test(name))
    .map((name) => parseInt(name, 10))
    .sort((a, b) => a - b)
}

/** Removes those that a log ending with `newest` no longer keeps. */
export async function removeOldSegments(directory: string, newest: number, keep: number): Promise<void> {
  for (const segment of await listSegments(directory)) {
    if (segment > newest - keep) return
    await unlink(segmentPath(directory, segment)).catch(unlessNoFile)
  }
}

/** For `catch`: another process may have removed it first. */
export function unlessNoFile(cause: unknown): undefined {
  if (isCode(cause, 'ENOENT')) return undefined
  throw cause
}
