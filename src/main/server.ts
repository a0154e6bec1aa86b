import { once } from 'node:events'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { PaasError } from '../errors.ts'
import { supervise } from '../supervisor/supervise.ts'
import { keepMemoryLow } from './idle-memory.ts'
import { outliveReaders, say, sayFailure, sayReady } from '../supervisor/terminal.ts'

/**
 * `node src/main/server.ts` runs the whole server; with `--role api|worker|router` that one role, in this process. `--as-copy` gives the
 * data directory, a copy of another server's, an id of its own first.
 */
const roles = ['api', 'worker', 'router']

if (import.meta.main) await main()

async function main(): Promise<void> {
  try {
    const options = { role: { type: 'string' }, 'as-copy': { type: 'boolean', default: false } } as const
    const { role, 'as-copy': asCopy } = parseArgs({ options }).values
    if (role === undefined) await runServer(asCopy)
    else if (asCopy) throw new PaasError('settings_invalid', '--as-copy is for a whole server, not for one --role.')
    else await runOneRole(role)
  } catch (thrown) {
    sayFailure(thrown)
    process.exitCode = 1
  }
}

async function runServer(asCopy: boolean): Promise<void> {
  outliveReaders()
  const stop = stopRequest()
  const config = loadConfig()
  say(`paas: starting on ${config.dataDirectory}`)
  try {
    const options = { config, asCopy, rolesDirectory: import.meta.dirname, env: roleEnvironment() }
    await using _server = await supervise(options, stop)
    using _memory = keepMemoryLow()
    sayReady(config)
    await once(stop, 'abort')
    say('paas: stopping; the apps run on')
  } catch (thrown) {
    if (!stop.aborted) throw thrown
  }
  say('paas: stopped')
}

async function runOneRole(role: string): Promise<void> {
  if (!roles.includes(role)) {
    throw new PaasError('settings_invalid', `--role is "${role}"; it must be one of ${roles.join(', ')}.`)
  }
  const { run } = (await import(`./${role}.ts`)) as { run: () => Promise<void> }
  await run()
}

/** npm passes on the signal that the terminal has already sent: the second one changes nothing. */
function stopRequest(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => stop.abort())
  return stop.signal
}

/** The roles start faster with their compiled code kept (Node's module.enableCompileCache). */
function roleEnvironment(): NodeJS.ProcessEnv {
  const cache = resolve(import.meta.dirname, '../../node_modules/.cache/compiled')
  return { NODE_COMPILE_CACHE: cache, ...process.env }
}
