import { existsSync, mkdirSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PaasError, type ErrorCode } from '../errors.ts'
import { lockFile } from '../lock.ts'

/** A backup of the server as it is remembered; times in milliseconds since 1970. */
export type ServerBackup = { id: string; startedAt: number; endedAt: number | null; state: ServerBackupState }

/** `bytes`: what it holds; `addedBytes`: what the target did not have. It was read back. */
type ServerBackupState =
  | { kind: 'running' }
  | {
      kind: 'succeeded'
      snapshot: string
      takenAt: number
      apps: number
      volumes: number
      addons?: number
      lacks?: string[]
      bytes: number
      addedBytes: number
    }
  | { kind: 'failed'; code: ErrorCode; reason: string }

/** Why one failed that a signal or the end of its process broke off. */
export const brokenOff = 'It was stopped in the midst of it.'

/** Milliseconds for which somebody who only looks may have the lock. */
const glance = 1000

/** Backups that are remembered. */
const most = 100

const fileIn = (directory: string): string => join(directory, 'history.json')

/** The newest first. */
export async function listBackups(directory: string): Promise<ServerBackup[]> {
  using lock = await lockBackups(directory)
  return await readHistory(directory, { isRunning: lock === undefined })
}

/** Why it failed, if it did. */
export function failureOf({ state }: ServerBackup): PaasError | undefined {
  return state.kind === 'failed' ? new PaasError(state.code, state.reason) : undefined
}

/** Who makes a backup holds it; undefined: somebody else does. */
export function lockBackups(directory: string): ReturnType<typeof lockFile> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return lockFile(join(directory, 'lock'), { wait: AbortSignal.timeout(glance) })
}

/** The newest first; what was running when its process died has failed. */
export async function readHistory(directory: string, { isRunning }: { isRunning: boolean }): Promise<ServerBackup[]> {
  const file = fileIn(directory)
  const all = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ServerBackup[]) : []
  return all.map((one, index) => (one.state.kind === 'running' && !(isRunning && index === 0) ? lost(one) : one))
}

/** Adds it, or replaces what was noted of it. For the one process that makes backups. */
export async function noteBackup(directory: string, backup: ServerBackup): Promise<void> {
  const others = (await readHistory(directory, { isRunning: false })).filter(({ id }) => id !== backup.id)
  const file = fileIn(directory)
  await writeFile(`${file}.new`, JSON.stringify([backup, ...others].slice(0, most)), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

function lost(backup: ServerBackup): ServerBackup {
  return {
    ...backup,
    endedAt: backup.endedAt ?? backup.startedAt,
    state: { kind: 'failed', code: 'backup_failed', reason: brokenOff },
  }
}
