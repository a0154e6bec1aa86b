import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { isBundled } from './role-process.ts'
import type { ServerLog } from './server-log.ts'

/** Milliseconds from the start to the first look, and between two. */
const usualTimes = { first: 20_000, interval: 600_000 }

type Options = { config: Pick<Config, 'settingsFile'>; rolesDirectory: string; env: NodeJS.ProcessEnv }

/**
 * Looks now and then at what the server needs of its machine, for the API, in a process of its own:
 * it runs as the user that started the server, who sees more than the roles do.
 */
export function examineRegularly(
  { config, rolesDirectory, env }: Options,
  log: Pick<ServerLog, 'fd'>,
  { first, interval } = usualTimes,
): Disposable {
  const stop = new AbortController()
  const file = join(rolesDirectory, isBundled ? 'doctor.js' : 'doctor.ts')
  const look = (): void => {
    const child = spawn(process.execPath, [file, '--save'], {
      stdio: ['ignore', log.fd, log.fd],
      env: { ...env, PAAS_SETTINGS: config.settingsFile ?? 'off' },
      signal: stop.signal,
    })
    child.on('error', () => undefined) // it is stopped, or cannot be started and is later
  }
  const early = setTimeout(look, first).unref()
  const timer = setInterval(look, interval).unref()
  return {
    [Symbol.dispose]: () => {
      clearTimeout(early)
      clearInterval(timer)
      stop.abort()
    },
  }
}
