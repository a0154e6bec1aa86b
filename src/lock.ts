import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

export type LockOptions = {
  /** Wait for the holder, until this signal, instead of failing at once. */
  wait?: AbortSignal
  /** With others that share it. */
  shared?: boolean
}

/**
 * A lock on a file (flock(2)). It belongs to the open file: the kernel lets go of it when the last
 * process that holds `fd` closes it or ends, however it ends. A child that inherits `fd` holds the
 * lock too.
 */
export class FileLock implements Disposable {
  readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  /**
   * Says in the file who holds the lock, for `readLock` of those who do not get it. Written over
   * what is there and then cut, never empty, so that the file keeps its block and a disk that is
   * full takes it.
   */
  describe(holder: string): void {
    ftruncateSync(this.fd, writeSync(this.fd, `${holder}\n`, 0))
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }
}

/**
 * Locks `path`, which is made if absent. Returns undefined if another process holds it, at the end
 * of `wait` if given.
 */
export async function lockFile(path: string, options: LockOptions = {}): Promise<FileLock | undefined> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640)
  try {
    if (await flock(fd, options)) return new FileLock(fd)
  } catch (cause) {
    closeSync(fd)
    throw cause
  }
  closeSync(fd)
  return undefined
}

/** What the holder of the lock on `path` said of itself; may be empty. */
export function readLock(path: string): string {
  return readFileSync(path, 'utf8').split('\n', 1)[0] ?? ''
}

/**
 * The lock that the flock command takes on the file it inherits stays after it ended. It never
 * outlives us waiting.
 */
async function flock(fd: number, { wait, shared }: LockOptions): Promise<boolean> {
  if (wait?.aborted) return false
  const command = [
    '--pdeathsig',
    'KILL',
    'flock',
    shared ? '--shared' : '--exclusive',
    ...(wait ? [] : ['--nonblock']),
    '3',
  ]
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'inherit', fd] })
  const giveUp = (): void => void child.kill()
  wait?.addEventListener('abort', giveUp, { once: true })
  const [code] = (await once(child, 'exit')) as [number | null]
  wait?.removeEventListener('abort', giveUp)
  if (code === 0 || code === 1 || wait?.aborted) return code === 0
  throw new Error(`flock exited with ${code}`)
}
