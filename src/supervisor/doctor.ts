import type { Config } from '../config.ts'
import { runBeside } from './beside.ts'
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
  const place = { rolesDirectory, env: { ...env, PAAS_SETTINGS: config.settingsFile ?? 'off' }, log }
  // One that is stopped, or cannot be started, is made later.
  const look = (): void => void runBeside({ name: 'doctor', argv: ['--save'] }, place, stop.signal)
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
