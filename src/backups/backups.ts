import { randomUUID } from 'node:crypto'
import { asPaasError, PaasError } from '../errors.ts'
import { backUpServer, type BackupDone, type BackupParts } from './back-up.ts'
import { lockBackups, noteBackup, type ServerBackup } from './history.ts'

/**
 * Makes a backup of the server, one at a time, and notes what becomes of it.
 * @throws backup_in_progress, and what `backUpServer` throws, which is noted
 */
export async function makeBackup(parts: BackupParts, signal: AbortSignal): Promise<BackupDone> {
  const directory = parts.config.paths.backups
  using lock = await lockBackups(directory)
  if (!lock) throw new PaasError('backup_in_progress', 'Another backup of this server is under way.')
  const id = randomUUID()
  const startedAt = Date.now()
  const note = (state: ServerBackup['state']): Promise<void> => {
    const endedAt = state.kind === 'running' ? null : Date.now()
    return noteBackup(directory, { id, startedAt, endedAt, state })
  }
  await note({ kind: 'running' })
  try {
    const done = await backUpServer(parts, signal)
    await note({ kind: 'succeeded', ...done, takenAt: done.takenAt.getTime() })
    return done
  } catch (cause) {
    const { code, message } = asPaasError(cause)
    await note({ kind: 'failed', code, reason: message })
    throw cause
  }
}
