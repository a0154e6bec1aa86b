import { isCode } from '../errors.ts'
import type { Minute, FigureEntry } from '../model/figures.ts'
import { readFile } from 'node:fs/promises'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import { condensedFile, figureFile } from './figure-files.ts'
import { parseEntry } from './parse-entry.ts'

/** Minutes, both inclusive. */
export type MinuteSpan = { from: Minute; to: Minute }

/**
 * Reads what the writers of all processes left. Lines that are damaged are left out, and said in
 * the log.
 */
export async function readFigures(
  { directory, log }: { directory: string; log: Logger },
  appId: AppId,
  { from, to }: MinuteSpan,
): Promise<FigureEntry[]> {
  const entries: FigureEntry[] = []
  for (let hour = Math.floor(from / 60); hour <= Math.floor(to / 60); hour++) {
    const lines =
      (await readLines(figureFile(directory, appId, hour * 60), log)) ??
      (await readLines(condensedFile(directory, appId, hour * 60), log)) ??
      []
    const read = lines.map(parseEntry).filter((entry) => entry !== undefined)
    if (read.length < lines.length) log.warn({ app: appId, damaged: lines.length - read.length }, 'figures are damaged')
    entries.push(...read.filter(({ minute }) => minute >= from && minute <= to))
  }
  return entries
}

/**
 * Undefined where there is none. One that cannot be read is a gap in a chart: no reason to show
 * nothing of the others.
 */
async function readLines(path: string, log: Logger): Promise<string[] | undefined> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    log.warn({ err: cause }, 'figures cannot be read')
    return []
  }
}
