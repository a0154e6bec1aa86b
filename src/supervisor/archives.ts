import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { isBundled, sparingEnvironment } from './role-process.ts'
import type { ServerLog } from './server-log.ts'

type Options = { config: Pick<Config, 'backup'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/** Milliseconds until one that ended is started again. */
const pause = 5000

/**
 * Keeps the archives of databases at the backup target, in a process of its own, which runs as the
 * user that started the server: no role has the keys of the target. Disposal ends it.
 */
export function keepArchivesStored({ config, rolesDirectory, env }: Options, log: ServerLog): AsyncDisposable {
  if (!config.backup) return new AsyncDisposableStack()
  const stop = new AbortController()
  const file = join(rolesDirectory, isBundled ? 'archives.js' : 'archives.ts')
  const running = keepRunning(() => start(file, env, log, stop.signal), stop.signal)
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

async function keepRunning(run: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await run()
    await delay(pause, undefined, { signal }).catch(() => undefined)
  }
}

async function start(file: string, env: NodeJS.ProcessEnv, log: ServerLog, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, ['--max-semi-space-size=1', file], {
    stdio: ['ignore', log.fd, log.fd],
    env: { ...sparingEnvironment, ...env },
    signal,
  })
  child.on('error', () => undefined) // it is stopped, or ends with a code
  const [code] = (await once(child, 'close')) as [number | null]
  if (!signal.aborted) log.write('supervisor', 'archives ended', { code })
}
