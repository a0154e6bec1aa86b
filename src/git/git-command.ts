import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { asExhaustion, PaasError } from '../errors.ts'
import { withStreams } from '../child-streams.ts'
import { saysDiskFull } from './disk-complaint.ts'
import { gitEnvironment } from './environment.ts'

/**
 * A running git: its streams, and `done`, which rejects when it could not do its work or was
 * aborted.
 */
export type GitCommand = { stdin: Writable; stdout: Readable; done: Promise<void> }

/**
 * Runs git on a bare repository with nothing of the server's environment, in a process group of its
 * own. The signal ends the whole group.
 * @throws server_exhausted
 */
export function startGit(repository: string, argv: string[], signal: AbortSignal): GitCommand {
  signal.throwIfAborted()
  const child = withStreams(
    spawn('git', ['--git-dir', repository, ...argv], {
      env: gitEnvironment(),
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    }),
  )
  // A git that exits early explains it on stderr; the EPIPE on its stdin adds nothing.
  child.stdin.on('error', () => undefined)
  const done = finish(child, argv[0] ?? '', signal)
  done.catch(() => undefined)
  return { stdin: child.stdin, stdout: child.stdout, done }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

async function finish(child: Child, command: string, signal: AbortSignal): Promise<void> {
  const end = (): void => killGroup(child.pid)
  signal.addEventListener('abort', end, { once: true })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    signal.throwIfAborted()
    if (code !== 0) throw new Error(`git ${command} exited with ${code}: ${complaint.trim()}`)
  } catch (cause) {
    signal.throwIfAborted()
    if (saysDiskFull(complaint))
      throw new PaasError('disk_full', 'The disk with the data directory is full.', { cause })
    throw asExhaustion(cause) ?? new PaasError('internal', `git ${command} failed on the server.`, { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** SIGKILL for a process and all it started; one that is gone already is fine. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
  }
}
