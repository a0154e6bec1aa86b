import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { isBundled } from './role-process.ts'
import type { ServerLog } from './server-log.ts'

/** Where our programs are, what they find in their environment, and the log for what they say. */
export type Beside = { rolesDirectory: string; env: NodeJS.ProcessEnv; log: Pick<ServerLog, 'fd'> }

type Program = { name: 'archives' | 'backup' | 'doctor'; argv?: string[]; flags?: string[] }

/** Milliseconds between SIGTERM and SIGKILL. */
const grace = 10_000

/**
 * Runs a program of ours that is no role to its end, which `signal` brings about. It runs as the
 * user that started the server, who may do more than the roles.
 * @param program its `flags` are Node's
 * @returns its exit code; null: a signal ended it; below 0: it could not be started
 */
export async function runBeside(
  { name, argv = [], flags = [] }: Program,
  { rolesDirectory, env, log }: Beside,
  signal: AbortSignal,
): Promise<number | null> {
  const file = join(rolesDirectory, `${name}.${isBundled ? 'js' : 'ts'}`)
  const child = spawn(process.execPath, [...flags, file, ...argv], { stdio: ['ignore', log.fd, log.fd], env })
  child.on('error', () => undefined) // its code tells, for which once() would not wait then
  const closed = new Promise<number | null>((end) => child.once('close', end))
  const end = (): void => {
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), grace).unref()
  }
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  const code = await closed
  signal.removeEventListener('abort', end)
  return code
}
