import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { runBeside } from './beside.ts'
import { sparingEnvironment } from './role-process.ts'
import type { ServerLog } from './server-log.ts'

type Options = { config: Pick<Config, 'backup'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/** Milliseconds until one that ended is started again. */
const pause = 5000

/**
 * Keeps the archives of databases at the backup target, in a process of its own, which runs as the
 * user that started the server: no role has the keys of the target. Disposal ends it.
 */
export function keepArchivesStored(
  { config, rolesDirectory, env }: Options,
  log: Pick<ServerLog, 'fd' | 'write'>,
): AsyncDisposable {
  if (!config.backup) return new AsyncDisposableStack()
  const stop = new AbortController()
  const { signal } = stop
  const place = { rolesDirectory, env: { ...sparingEnvironment, ...env }, log }
  const keepRunning = async (): Promise<void> => {
    while (!signal.aborted) {
      const code = await runBeside({ name: 'archives', flags: ['--max-semi-space-size=1'] }, place, signal)
      if (!signal.aborted) log.write('supervisor', 'archives ended', { code })
      await delay(pause, undefined, { signal }).catch(() => undefined)
    }
  }
  const running = keepRunning()
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}
