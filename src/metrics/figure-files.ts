import type { Minute } from '../model/figures.ts'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppId } from '../model/ids.ts'

/**
 * The figures of an app are a directory of files, one per hour, each named by the hours since 1970.
 * Any process appends lines to them; nobody changes one. They are kept for a day and the hour in
 * progress.
 */
const hoursKept = 25

export function figureFile(directory: string, appId: AppId, minute: Minute): string {
  return join(directory, appId, `${Math.floor(minute / 60)}.jsonl`)
}

/** Removes the files that are too old, and all of apps that are gone. */
export async function removeOldFigures(
  directory: string,
  { exists, now }: { exists: (appId: AppId) => boolean; now: Minute },
): Promise<void> {
  for (const appId of (await readdir(directory)) as AppId[]) {
    if (exists(appId)) await removeOldFiles(join(directory, appId), now)
    else await removeFigures(directory, appId)
  }
}

export async function removeFigures(directory: string, appId: AppId): Promise<void> {
  await rm(join(directory, appId), { recursive: true, force: true, maxRetries: 3 })
}

async function removeOldFiles(directory: string, now: Minute): Promise<void> {
  const oldest = Math.floor(now / 60) - hoursKept
  const names = (await readdir(directory)).filter((name) => /^\d+\.jsonl$/.test(name))
  for (const name of names.filter((each) => parseInt(each, 10) < oldest))
    await rm(join(directory, name), { force: true })
}
