import type { Config } from '../config.ts'
import { becomeCopy, openDataDirectory } from '../data-directory.ts'
import { PaasError } from '../errors.ts'
import { lockFile, readLock, type FileLock } from '../lock.ts'
import { refuseHeldId } from '../server-id.ts'
import { Child, type ChildReport } from './child.ts'
import { childSpecs, type ChildrenOptions } from './children.ts'
import { ServerLog } from './server-log.ts'
import { sayChild, sayCopy } from './terminal.ts'

/** `asCopy`: the data directory is a copy of another server's, and gets an id of its own. */
export type SuperviseOptions = ChildrenOptions & { asCopy?: boolean }

/**
 * Starts the whole server: Redis, then router, worker, api, each ready before the next. Disposal stops them in
 * reverse order; the apps run on. The signal gives the start up.
 * @throws data_directory_*, server_id_in_use, port_in_use, or what a role says it failed with
 */
export async function supervise(options: SuperviseOptions, signal: AbortSignal): Promise<AsyncDisposable> {
  const { config, asCopy = false } = options
  await using starting = new AsyncDisposableStack()
  openDataDirectory(config)
  starting.use(await lockDataDirectory(config))
  if (asCopy) sayCopy(becomeCopy(config), config)
  await refuseHeldId({ ...config, ...openDataDirectory(config) })
  const log = starting.use(new ServerLog(config.paths.serverLog))
  const report: ChildReport = (name, event) => {
    log.write('supervisor', `${name} ${event.kind}`, event)
    sayChild(name, event, log.path)
  }
  try {
    for (const spec of childSpecs(options, log)) starting.use(await Child.start(spec, report, signal))
  } catch (cause) {
    throw pointToLog(cause, log.path)
  }
  return starting.move()
}

/** What is not the user's doing has its reason in the log only. */
function pointToLog(cause: unknown, log: string): unknown {
  if (!(cause instanceof PaasError) || cause.code !== 'internal') return cause
  return new PaasError(cause.code, cause.message, { hint: `The reason is in ${log}`, cause })
}

/** One server per data directory: two would move each other's apps about. */
async function lockDataDirectory({ dataDirectory, paths }: Config): Promise<FileLock> {
  const lock = await lockFile(paths.lock)
  if (!lock) {
    const message = `A server with pid ${readLock(paths.lock)} already runs on ${dataDirectory}.`
    throw new PaasError('data_directory_in_use', message)
  }
  lock.describe(String(process.pid))
  return lock
}
