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
  const { snapshot, apps, volumes, bytes, addedBytes } = done
  const sizes = `${mib(bytes)}, of it ${mib(addedBytes)} new`
  print(`paas: backup ${snapshot.slice(0, 8)} holds ${countOf(apps)}, ${sizes}; all of it was read back`)
  if (volumes > 0) print(`paas: ${lacking(volumes)}; to save it, see docs/volumes.md and docs/databases.md`)
}

/** Ends with what to type next. */
export function sayRestored(
  restored: Restored,
  { dataDirectory }: Pick<Config, 'dataDirectory'>,
  { json }: Form,
): void {
  if (json) return printJson(restored)
  const { takenAt, apps, volumes, missing } = restored
  print(`paas: ${dataDirectory} has ${countOf(apps)} as of ${takenAt.toISOString()}, ${ageOf(takenAt)} ago`)
  if (volumes > 0) print(`paas: ${lacking(volumes)}: see docs/backups.md, "Restore"`)
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
      return `${state.snapshot.slice(0, 8)}  ${countOf(state.apps)}  ${mib(state.bytes)}, ${mib(state.addedBytes)} new`
  }
}

function lacking(volumes: number): string {
  return `the data of ${volumes === 1 ? '1 volume' : `${volumes} volumes`}, of apps and add-ons, is not in it`
}

function countOf(apps: number): string {
  return apps === 1 ? '1 app' : `${apps} apps`
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
