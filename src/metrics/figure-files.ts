import type { Minute } from '../model/figures.ts'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppId } from '../model/ids.ts'

/**
 * The figures of an app are a directory of files, one per hour, each named by the hours since 1970.
 * Any process appends lines to them; nobody changes one. They are kept for a day and the hour in
 * progress, and then in steps of half an hour until they are a week old.
 */
export const hoursKept = { byMinute: 25, condensed: 7 * 24 + 1 }

/** Minutes of a step of what is condensed. */
export const condensedStep = 30

export function figureFile(directory: string, appId: AppId, minute: Minute): string {
  return join(directory, appId, `${Math.floor(minute / 60)}.jsonl`)
}

/** The same hour's, once it is condensed. */
export function condensedFile(directory: string, appId: AppId, minute: Minute): string {
  return join(directory, appId, `${Math.floor(minute / 60)}.half.jsonl`)
}

export function isCondensed(name: string): boolean {
  return name.endsWith('.half.jsonl')
}

/** Of a file's name; undefined for what is not ours. */
export function hourIn(name: string): number | undefined {
  const hour = /^(\d+)(\.half)?\.jsonl$/.exec(name)?.[1]
  return hour === undefined ? undefined : Number(hour)
}

export async function removeFigures(directory: string, appId: AppId): Promise<void> {
  await rm(join(directory, appId), { recursive: true, force: true, maxRetries: 3 })
}
