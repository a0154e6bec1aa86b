import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isCode } from '../errors.ts'
import type { SavedFindings } from '../model/finding.ts'

/** For the API, which has the group of the data directory and its files. */
export function saveFindings(path: string, saved: SavedFindings): void {
  writeFileSync(`${path}.new`, JSON.stringify(saved), { mode: 0o640 })
  renameSync(`${path}.new`, path)
}

/** undefined: nobody has looked yet. */
export async function readFindings(path: string): Promise<SavedFindings | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as SavedFindings
  } catch (cause) {
    if (isCode(cause, 'ENOENT', 'EACCES') || cause instanceof SyntaxError) return undefined
    throw cause
  }
}
