import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../log.ts'
import type { FigureEntry, Minute } from '../model/figures.ts'
import type { AppId } from '../model/ids.ts'
import { condensedStep, hourIn, hoursKept, isCondensed, removeFigures } from './figure-files.ts'
import { parseEntry } from './parse-entry.ts'
import { Tally } from './tally.ts'

/**
 * Removes what is older than a week, and all of apps that are gone; what is older than a day is put
 * into steps of half an hour. What cannot be tidied stays, and is said in the log.
 */
export async function tidyFigures(
  directory: string,
  { exists, now, log }: { exists: (appId: AppId) => boolean; now: Minute; log: Logger },
): Promise<void> {
  for (const appId of (await readdir(directory)) as AppId[]) {
    try {
      if (exists(appId)) await tidyOne(join(directory, appId), Math.floor(now / 60))
      else await removeFigures(directory, appId)
    } catch (cause) {
      log.warn({ err: cause, app: appId }, 'figures cannot be tidied')
    }
  }
}

async function tidyOne(directory: string, hourNow: number): Promise<void> {
  const names = new Set(await readdir(directory))
  for (const name of names) {
    const age = hourNow - (hourIn(name) ?? hourNow)
    if (age > hoursKept.condensed) await rm(join(directory, name), { force: true })
    else if (age > hoursKept.byMinute && !isCondensed(name)) await condenseFile(directory, name, names)
  }
}

/** At most four lines in place of an hour's file. A reader finds the one or the other, always. */
async function condenseFile(directory: string, name: string, names: Set<string>): Promise<void> {
  const target = name.replace('.jsonl', '.half.jsonl')
  // One that is there already is whole: a crash left the other, or a line came a day late.
  if (!names.has(target)) {
    const read = (await readFile(join(directory, name), 'utf8')).split('\n').map(parseEntry)
    const lines = condense(read.filter((entry) => entry !== undefined))
    const text = lines.map((entry) => `\n${JSON.stringify(entry)}`).join('')
    await writeFile(join(directory, `${target}.new`), text, { mode: 0o660 })
    await rename(join(directory, `${target}.new`), join(directory, target))
  }
  await rm(join(directory, name), { force: true })
}

/** What each half hour has of requests and of dynos. */
function condense(entries: FigureEntry[]): FigureEntry[] {
  const steps = Map.groupBy(entries, ({ minute }) => Math.floor(minute / condensedStep) * condensedStep)
  return [...steps].flatMap(([minute, all]) => {
    const tally = new Tally()
    for (const entry of all) tally.add(entry)
    const { requests, dynos } = tally.store()
    return [...(requests ? [{ minute, requests }] : []), ...(dynos ? [{ minute, dynos }] : [])]
  })
}
