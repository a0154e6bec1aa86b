import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

/** A lock on a file. The kernel lets go of it when the process ends, however it ends. */
export type FileLock = Disposable

export type LockOptions = {
  /** `exclusive` (the default) keeps everybody else out, `shared` only exclusive holders. */
  mode?: 'exclusive' | 'shared'
  /** Wait for those who hold it instead of giving up at once. */
  wait?: AbortSignal
}

/**
 * Locks `path`, which is made if absent. Gives undefined when somebody else holds it and `wait` is not given.
 * The lock of flock(2) belongs to the open file, so it stays with us after the flock command that took it has ended.
 */
export async function lockFile(
  path: string,
  { mode = 'exclusive', wait }: LockOptions = {},
): Promise<FileLock | undefined> {
  const fd = openSync(path, 'a+', 0o600)
  try {
    if (await flock(fd, [`--${mode}`, ...(wait ? [] : ['--nonblock'])], wait)) {
      if (mode === 'exclusive') writeOwner(fd)
      return { [Symbol.dispose]: () => closeSync(fd) }
    }
  } catch (cause) {
    closeSync(fd)
    throw cause
  }
  closeSync(fd)
  return undefined
}

/** The pid that holds, or last held, the exclusive lock on `path`; undefined when nobody ever did. */
export function lockOwner(path: string): number | undefined {
  return Number(readFileSync(path, 'utf8')) || undefined
}

async function flock(fd: number, options: string[], signal: AbortSignal | undefined): Promise<boolean> {
  const child = spawn('flock', [...options, '3'], {
    stdio: ['ignore', 'ignore', 'inherit', fd],
    ...(signal && { signal }),
  })
  const [code] = await once(child, 'exit')
  if (code !== 0 && code !== 1) throw new Error(`flock exited with ${code}`)
  return code === 0
}

function writeOwner(fd: number): void {
  ftruncateSync(fd)
  writeSync(fd, String(process.pid))
}
