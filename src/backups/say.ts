import type { Config } from '../config.ts'
import type { BackupDone } from './back-up.ts'
import type { ServerBackup } from './history.ts'
import type { Restored } from './restore.ts'
import type { RestoredAddon } from './restore-addons.ts'

type Form = { json: boolean }

export function sayStep(step: string): void {
  process.stderr.write(`paas: ${step}\n`)
}

export function sayDone(done: BackupDone, { json }: Form): void {
  if (json) return printJson(done)
  const { snapshot, bytes, addedBytes, lacks } = done
  const sizes = `${mib(bytes)}, of it ${mib(addedBytes)} new`
  const verdict = lacks.length > 0 ? ' is not complete: it' : ''
  print(`paas: backup ${snapshot.slice(0, 8)}${verdict} holds ${contentsOf(done)}, ${sizes}; all of it was read back`)
  for (const lack of lacks) print(`paas: it lacks ${lack}`)
}

/** Ends with what to type next. */
export function sayRestored(
  restored: Restored,
  { dataDirectory }: Pick<Config, 'dataDirectory'>,
  { json }: Form,
): void {
  if (json) return printJson(restored)
  const { takenAt, addons, kept, lacks, missing } = restored
  const counts = { ...restored, addons: addons.filter(({ state }) => state !== 'failed').length }
  print(`paas: ${dataDirectory} has ${contentsOf(counts)} as of ${takenAt.toISOString()}, ${ageOf(takenAt)} ago`)
  if (kept.length > 0) print(`paas: this engine still had ${kept.join(', ')}: left as it is`)
  for (const addon of addons) sayAddon(addon, dataDirectory)
  for (const lack of lacks) print(`paas: the backup lacks ${lack}`)
  if (missing > 0) {
    print(`paas: ${missing} of the images have another name on this engine: push those apps again after the start`)
  }
  print('paas: start it with: npm start')
}

function sayAddon({ name, service, version, ...one }: RestoredAddon, dataDirectory: string): void {
  const what = `paas: ${name} (${service} ${version})`
  if (one.state === 'kept') return print(`${what} is still in this engine: left as it is, which is newer`)
  if (one.state === 'failed') {
    print(`${what} did not come back, and stays down: ${one.problem}`)
    return print(`paas: to try it again, empty ${dataDirectory} and restore again: what is back stays as it is`)
  }
  const takenAt = new Date(one.takenAt)
  print(`${what} has ${mib(one.bytes)} as of ${takenAt.toISOString()}, ${ageOf(takenAt)} ago`)
  if (one.later) {
    const at = one.later.toISOString().slice(0, 19).replace('T', ' ')
    const topic = service === 'mysql' ? 'mysql' : 'pg'
    print(
      `paas: what the target has of ${name} after that: paas ${topic}:restore ${name} -a ${one.app} --at "${at}+00"`,
    )
  }
  for (const warning of one.warnings) print(`paas: ${name} lacks what could not be loaded: ${warning}`)
  if (one.doubt) print(`paas: look at ${name} before you rely on it; it is not quite what was stored: ${one.doubt}`)
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
      return [
        `${state.snapshot.slice(0, 8)}  ${contentsOf(state)}  ${mib(state.bytes)}, ${mib(state.addedBytes)} new`,
        ...(state.lacks ?? []).map((lack) => `  lacks ${lack}`),
      ].join('\n')
  }
}

function contentsOf({ apps, volumes, addons = 0 }: { apps: number; volumes: number; addons?: number }): string {
  const more = [
    ...(volumes > 0 ? [countOf(volumes, 'volume')] : []),
    ...(addons > 0 ? [countOf(addons, 'add-on')] : []),
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
