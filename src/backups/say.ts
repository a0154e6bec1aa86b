import type { Config } from '../config.ts'
import type { BackupDone } from './back-up.ts'
import type { ServerBackup } from './history.ts'
import type { Restored } from './restore.ts'

type Form = { json: boolean }

export function sayStep(step: string): void {
  process.stderr.write(`paas: ${step}\n`)
}

export function sayDone(done: BackupDone, { json }: Form): void {
  if (json) return printJson(done)
  const { snapshot, bytes, addedBytes, lacks } = done
  const sizes = `${mib(bytes)}, of it ${mib(addedBytes)} new`
  print(`paas: backup ${snapshot.slice(0, 8)} holds ${contentsOf(done)}, ${sizes}; all of it was read back`)
  for (const lack of lacks) print(`paas: it lacks ${lack}`)
}

/** Ends with what to type next. */
export function sayRestored(
  restored: Restored,
  { dataDirectory }: Pick<Config, 'dataDirectory'>,
  { json }: Form,
): void {
  if (json) return printJson(restored)
  const { takenAt, kept, lacks, missing } = restored
  print(`paas: ${dataDirectory} has ${contentsOf(restored)} as of ${takenAt.toISOString()}, ${ageOf(takenAt)} ago`)
  if (kept.length > 0) print(`paas: this engine still had ${kept.join(', ')}: left as it is`)
  for (const lack of lacks) print(`paas: the backup lacks ${lack}`)
  if (missing > 0) {
    print(`paas: ${missing} of the images have another name on this engine: push those apps again after the start`)
  }
  print('paas: start it with: npm start')
}

export function sayBackups(backups: ServerBackup[], { json }: Form): void {
  if (json) return printJson(backups)
  if (backups.length === 0) return print('There was no backup yet.')
  for (const { startedAt, state } of backups) print(`${new Date(startedAt).toISOString()}  ${describe(state)}`)
}

function describe(state: ServerBackup['state']): string {
  switch (state.kind) {
    case 'running':
      return 'running'
    case 'failed':
      return `failed: ${state.reason}`
    case 'succeeded':
      return `${state.snapshot.slice(0, 8)}  ${contentsOf(state)}  ${mib(state.bytes)}, ${mib(state.addedBytes)} new`
  }
}

function contentsOf({ apps, volumes, addons = 0 }: { apps: number; volumes: number; addons?: number }): string {
  const more = [
    ...(volumes > 0 ? [countOf(volumes, 'volume')] : []),
    ...(addons > 0 ? [countOf(addons, 'database')] : []),
  ]
  return [countOf(apps, 'app'), ...more].join(', ')
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

function ageOf(time: Date): string {
  const minutes = Math.round((Date.now() - time.getTime()) / 60_000)
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
}

function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
