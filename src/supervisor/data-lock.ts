import { readdirSync, statSync } from 'node:fs'
import type { Config } from '../config.ts'
import { isCode, PaasError } from '../errors.ts'
import { lockFile, readLock, type FileLock } from '../lock.ts'
import { takeOverSignal } from './stop-request.ts'
import { sayTakeOver } from './terminal.ts'

type DataDirectory = Pick<Config, 'dataDirectory' | 'paths'>

/** Milliseconds for the roles of a server to stop one after the other. */
const patience = 60_000

/**
 * One server per data directory: two would replace each other's containers. Returns undefined when
 * another server holds the lock.
 */
export async function lockDataDirectory({ paths }: DataDirectory): Promise<FileLock | undefined> {
  return described(await lockFile(paths.lock))
}

/**
 * Ends the server that runs on the data directory, leaves its router serving, and takes the lock.
 * @throws data_directory_in_use
 */
export async function takeOverDataDirectory(config: DataDirectory, signal: AbortSignal): Promise<FileLock> {
  const { paths, dataDirectory } = config
  const pid = Number(readLock(paths.lock))
  sayTakeOver(pid)
  endServer(pid, config)
  const lock = await lockFile(paths.lock, { wait: AbortSignal.any([signal, AbortSignal.timeout(patience)]) })
  signal.throwIfAborted()
  const held = described(lock)
  if (held) return held
  const message = `The server with pid ${pid} on ${dataDirectory} did not stop within ${patience / 1000} s.`
  throw new PaasError('data_directory_in_use', message, { hint: `See its log, ${paths.serverLog}.` })
}

export function dataDirectoryInUse({ paths, dataDirectory }: DataDirectory): PaasError {
  const message = `A server with pid ${readLock(paths.lock)} already runs on ${dataDirectory}.`
  return new PaasError('data_directory_in_use', message)
}

function described(lock: FileLock | undefined): FileLock | undefined {
  lock?.describe(String(process.pid))
  return lock
}

function endServer(pid: number, { paths, dataDirectory }: DataDirectory): void {
  try {
    if (!hasOpen(pid, paths.lock)) {
      const message = `The server with pid ${pid} on ${dataDirectory} runs in another container, and must be stopped there.`
      throw new PaasError('data_directory_in_use', message, { hint: 'Stop it there.' })
    }
    process.kill(pid, takeOverSignal)
  } catch (cause) {
    if (isCode(cause, 'ENOENT', 'ESRCH')) return // it has just ended by itself
    if (!isCode(cause, 'EACCES', 'EPERM')) throw cause
    const message = `The server with pid ${pid} on ${dataDirectory} belongs to another user, who must stop it.`
    throw new PaasError('data_directory_in_use', message, { hint: 'Start this one as that user.', cause })
  }
}

/**
 * Pids are reused, and differ between containers: the process that has the file open is the one
 * that wrote its pid.
 */
function hasOpen(pid: number, path: string): boolean {
  const { dev, ino } = statSync(path)
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    const open = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false })
    return open?.ino === ino && open.dev === dev
  })
}
