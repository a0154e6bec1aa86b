import { once } from 'node:events'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { loadConfig, pathsOf, type Config } from '../config.ts'
import { PaasError } from '../errors.ts'
import { isBundled } from '../supervisor/role-process.ts'
import { keepServing } from '../supervisor/router.ts'
import { StopRequest } from '../supervisor/stop-request.ts'
import { supervise, type SuperviseOptions } from '../supervisor/supervise.ts'
import { outliveReaders, say, sayFailure, sayReady } from '../supervisor/terminal.ts'
import { keepMemoryLow } from './idle-memory.ts'

/**
 * `node src/main/server.ts` runs the whole server; with `--role api|gate|worker|router` that one
 * role, in this process. `--as-copy` gives the data directory, a copy of another server's, an id of
 * its own first; `--take-over` ends the server that runs on it.
 */
const roles: Record<string, () => Promise<{ run: () => Promise<void> }>> = {
  api: () => import('./api.ts'),
  gate: () => import('./gate.ts'),
  worker: () => import('./worker.ts'),
  router: () => import('./router.ts'),
}
const flags = ['as-copy', 'take-over'] as const
/** Of this file as it runs: `src/main`, or the bundle's directory. */
const here = dirname(fileURLToPath(import.meta.url))

if (import.meta.main) await main()

async function main(): Promise<void> {
  try {
    const flag = { type: 'boolean', default: false } as const
    const { values } = parseArgs({ options: { role: { type: 'string' }, 'as-copy': flag, 'take-over': flag } })
    const given = flags.filter((name) => values[name]).map((name) => `--${name}`)
    if (given.length > 1) throw new PaasError('settings_invalid', `${given.join(' and ')} cannot be combined.`)
    if (values.role !== undefined && given.length > 0) {
      throw new PaasError(
        'settings_invalid',
        `${given.join()} is for a whole server and cannot be combined with --role.`,
      )
    }
    if (values.role !== undefined) await runOneRole(values.role)
    else await runServer({ asCopy: values['as-copy'], takeOver: values['take-over'] })
  } catch (thrown) {
    sayFailure(thrown)
    process.exitCode = 1
  }
}

type RunOptions = Pick<SuperviseOptions, 'asCopy' | 'takeOver' | 'silentMs'> & { rolesDirectory?: string }

/**
 * Runs the whole server until it is told to end.
 * @throws what keeps it from starting; a router that served before keeps serving then
 */
export async function runServer({ rolesDirectory = here, ...options }: RunOptions): Promise<void> {
  outliveReaders()
  const stop = new StopRequest()
  const config = await loadConfigOrKeepServing()
  try {
    say(
      `paas: starting on ${config.dataDirectory}${config.settingsFile ? `, settings from ${config.settingsFile}` : ''}`,
    )
    await using _server = await supervise({ ...options, config, rolesDirectory, env: roleEnvironment() }, stop)
    using _memory = keepMemoryLow({ serves: false })
    sayReady(config)
    if (!stop.signal.aborted) await once(stop.signal, 'abort')
    say('paas: stopping; the apps keep running')
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown
  }
  say('paas: stopped')
}

/** An invalid setting must not end a router that serves. */
async function loadConfigOrKeepServing(): Promise<Config> {
  try {
    return loadConfig()
  } catch (thrown) {
    await keepServing(pathsOf())
    throw thrown
  }
}

async function runOneRole(role: string): Promise<void> {
  const load = Object.hasOwn(roles, role) ? roles[role] : undefined
  if (!load) {
    const names = Object.keys(roles).join(', ')
    throw new PaasError('settings_invalid', `--role is "${role}"; it must be one of ${names}.`)
  }
  const { run } = await load()
  await run()
}

/**
 * Sources start faster with a compile cache (Node's module.enableCompileCache), which takes memory;
 * the bundle needs none. A user that is missing in /etc/passwd has no home directory otherwise.
 */
function roleEnvironment(): NodeJS.ProcessEnv {
  const cache = resolve(import.meta.dirname, '../../node_modules/.cache/compiled')
  return { ...(isBundled ? {} : { NODE_COMPILE_CACHE: cache }), HOME: homedir(), ...process.env }
}
