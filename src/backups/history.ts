import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

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
  | { kind: 'failed'; code: string; reason: string }

/** Backups that are remembered. */
const most = 100

const fileIn = (directory: string): string => join(directory, 'history.json')

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
  const reason = 'Its process ended in the midst of it.'
  return {
    ...backup,
    endedAt: backup.endedAt ?? backup.startedAt,
    state: { kind: 'failed', code: 'backup_failed', reason },
  }
}
