import { isCode } from '../errors.ts'
import type { Minute, FigureEntry } from '../model/figures.ts'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Logger } from '../log.ts'
import type { AppId } from '../model/ids.ts'
import { condensedFile, figureFile } from './figure-files.ts'
import { parseEntry } from './parse-entry.ts'

/** Minutes, both inclusive. `only`: of one kind. */
export type MinuteSpan = { from: Minute; to: Minute; only?: 'requests' | 'dynos' }

/**
 * Reads what the writers of all processes left. Lines that are damaged are left out, and said in
 * the log.
 */
export async function readFigures(
  { directory, log }: { directory: string; log: Logger },
  appId: AppId,
  span: MinuteSpan,
): Promise<FigureEntry[]> {
  const entries: FigureEntry[] = []
  const present = await namesIn(dirname(figureFile(directory, appId, span.from)), log)
  for (let hour = Math.floor(span.from / 60); hour <= Math.floor(span.to / 60); hour++) {
    const [file, condensed] = [figureFile(directory, appId, hour * 60), condensedFile(directory, appId, hour * 60)]
    if (!present.has(basename(file)) && !present.has(basename(condensed))) continue
    const all = (await readLines(file, log)) ?? (await readLines(condensed, log)) ?? []
    const lines = all.filter((line) => !isOther(line, span))
    const read = lines.map(parseEntry).filter((entry) => entry !== undefined)
    if (read.length < lines.length) log.warn({ app: appId, damaged: lines.length - read.length }, 'figures are damaged')
    entries.push(...read.filter((entry) => entry.minute >= span.from && entry.minute <= span.to))
  }
  return entries
}

/** By its beginning, as the writer has it: most lines of an hour's file need not be read whole. */
function isOther(line: string, { from, to, only }: MinuteSpan): boolean {
  const [, digits, kind] = /^\{"minute":(\d{1,12}),"(requests|dynos)":/.exec(line) ?? []
  if (digits === undefined) return false
  return Number(digits) < from || Number(digits) > to || (only !== undefined && kind !== only)
}

/** Most apps have figures of few hours, and many of none. */
async function namesIn(directory: string, log: Logger): Promise<Set<string>> {
  try {
    return new Set(await readdir(directory))
  } catch (cause) {
    if (!isCode(cause, 'ENOENT')) log.warn({ err: cause }, 'figures cannot be read')
    return new Set()
  }
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
