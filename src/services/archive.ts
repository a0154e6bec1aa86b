import type { Engine } from '../engine/engine.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { BackupKind, NotedFacts } from '../model/addon-backup.ts'
import { programsAt } from './image.ts'

export type Exec = { engine: Pick<Engine, 'execInService'> }

/** As a service's own programs tell it. */
export type ArchivedBackup = { label: string; kind: string; begin: Date; end: Date; bytes: number }

/** Times that facts are noted: while somebody writes, they may differ before and after. */
const attempts = 3

/** `session`: what ends it, whoever started it. */
type Program = { argv: [string, ...string[]]; env?: Record<string, string>; session?: string }

/**
 * Runs a program of a service beside it, and gives what it printed.
 * @throws backup_failed with the last line of that; engine_unavailable where it does not run
 */
export async function runArchiveProgram(
  { engine }: Exec,
  container: string,
  { argv: [name, ...args], ...how }: Program,
  signal: AbortSignal,
): Promise<string> {
  const command = { argv: [`${programsAt}/${name}`, ...args], ...how }
  const { code, output } = await engine.execInService(container, command, signal).catch(explainAway)
  if (code === 0) return output
  const reason = lastLine(output) ?? `${name} exited with ${code}`
  throw new PaasError('backup_failed', reason)
}

/** Brings what is committed by now into the archive: as far as it reaches, and its latest hole. */
export async function bringIntoArchive(
  deps: Exec,
  container: string,
  signal: AbortSignal,
): Promise<{ until: Date; hole: Date | null }> {
  const output = await runArchiveProgram(deps, container, { argv: ['archived'] }, signal)
  const until = secondsOf(output, 'until')
  if (!until) throw new PaasError('backup_failed', 'The service did not say how far its archive reaches.')
  return { until, hole: secondsOf(output, 'hole') }
}

/** Makes a backup, and gives all that there are then, the oldest first. */
export async function makeArchiveBackup(
  deps: Exec,
  container: string,
  kind: BackupKind,
  signal: AbortSignal,
): Promise<ArchivedBackup[]> {
  return readBackups(await runArchiveProgram(deps, container, { argv: ['backup', kind] }, signal))
}

/**
 * Notes what is inside, at a moment with a name that a restore can stop at. Where somebody writes
 * all the time, nothing is noted.
 */
export async function noteFacts(
  deps: Exec,
  container: string,
  name: string,
  signal: AbortSignal,
): Promise<NotedFacts | null> {
  let before = await runArchiveProgram(deps, container, { argv: ['facts'] }, signal)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const mark = `${name}-${attempt}`
    await runArchiveProgram(deps, container, { argv: ['mark', mark] }, signal)
    const facts = await runArchiveProgram(deps, container, { argv: ['facts'] }, signal)
    if (facts === before) return { mark, facts }
    before = facts
  }
  return null
}

/** What an engine that was away starts again is there in a moment. */
export function explainAway(cause: unknown): never {
  if (asPaasError(cause).code !== 'not_found') throw cause
  throw new PaasError('engine_unavailable', 'The add-on is not running.', { cause })
}

function readBackups(output: string): ArchivedBackup[] {
  return output.split('\n').flatMap((line) => {
    const [, label, kind, begin, end, bytes] = /^(\S+)\t(\w+)\t(\d+)\t(\d+)\t(\d+)$/.exec(line) ?? []
    if (label === undefined || kind === undefined) return []
    return [{ label, kind, begin: dateOf(begin), end: dateOf(end), bytes: Number(bytes) }]
  })
}

function secondsOf(output: string, name: string): Date | null {
  const found = output.split('\n').find((line) => line.startsWith(`${name}\t`))
  return found === undefined ? null : dateOf(found.slice(name.length + 1))
}

function dateOf(seconds: string | undefined): Date {
  return new Date(Number(seconds) * 1000)
}

function lastLine(output: string): string | undefined {
  return output
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '')
    ?.slice(0, 300)
}
