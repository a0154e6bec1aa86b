import { existsSync, statfsSync } from 'node:fs'
import { becomeCopy, openDataDirectory } from '../data-directory.ts'
import { PaasError } from '../errors.ts'
import type { FileLock } from '../lock.ts'
import { refuseHeldId } from '../server-id.ts'
import { liftUserLimits } from '../user-limits.ts'
import { keepArchivesStored } from './archives.ts'
import { backUpDaily } from './backups.ts'
import { Child, type ChildReport, type ChildSpec } from './child.ts'
import { checkSpec, childSpecs, recordSpec, type ChildrenOptions } from './children.ts'
import { examineRegularly } from './doctor.ts'
import { dataDirectoryInUse, lockDataDirectory, takeOverDataDirectory } from './data-lock.ts'
import { holdPorts } from './ports.ts'
import { findOldRouter, moveOldFiles } from './old-places.ts'
import { findServingRouter, settleRouter, type Afterlife } from './router.ts'
import { none, separateRoles } from './separate.ts'
import { ServerLog } from './server-log.ts'
import type { StopRequest } from './stop-request.ts'
import { sayChild, sayCopy } from './terminal.ts'
import { openVault } from './vault.ts'

/** Free bytes with which a database can be opened in any case. */
const roomToOpen = 32 * 2 ** 20

export type SuperviseOptions = Omit<ChildrenOptions, 'sockets' | 'afterlife' | 'prefixes'> & {
  /** The data directory is a copy of another server's, and gets an id of its own. */
  asCopy?: boolean
  /** A server that runs on the data directory is ended, once it is sure that this one can start. */
  takeOver?: boolean
}

/**
 * Starts the whole server: router, then Redis, worker, api, each ready before the next. What serves
 * already is replaced only by what can start. Disposal stops them in reverse order; the apps run
 * on, and the router does as `stop` says. A stop gives the start up.
 * @throws data_directory_*, server_id_in_use, port_in_use, what keeps the database from being
 *   opened, or what a role says it failed with
 */
export async function supervise(options: SuperviseOptions, stop: StopRequest): Promise<AsyncDisposable> {
  const { config, asCopy = false, takeOver = false } = options
  await using starting = new AsyncDisposableStack()
  openDataDirectory(config)
  let servedBefore = true // assumed until it is known
  const afterlife = (): Afterlife => {
    if (stop.signal.aborted) return stop.handover(config.handover.seconds)
    return servedBefore ? Infinity : 0 // the start has failed
  }
  const hold = (lock: FileLock): void => {
    starting.use(lock)
    starting.defer(() => settleRouter(config.paths, afterlife()))
  }
  const lock = await lockDataDirectory(config)
  if (lock) hold(lock)
  else if (!takeOver) throw dataDirectoryInUse(config)
  if (asCopy) sayCopy(becomeCopy(config), config)
  await refuseHeldId({ ...config, ...openDataDirectory(config) })
  findOldRouter(config)
  const serving = await findServingRouter(config.paths)
  servedBefore = serving !== undefined
  const sockets = starting.use(holdPorts(config, serving?.settings)).fds
  const log = starting.use(new ServerLog(config.paths.serverLog))
  const children = { ...options, sockets, afterlife, prefixes: none }
  try {
    if (servedBefore || !lock) await check(children, log, stop.signal)
    if (!lock) hold(await takeOverDataDirectory(config, stop.signal))
    moveOldFiles(config)
    // The worker, which starts containers, may lack the right; it then says so in its log.
    await liftUserLimits({ warn: () => undefined })
    const prefixes = separateRoles(config, options.env['NODE_COMPILE_CACHE'])
    starting.use(await openVault(options, log))
    await startChildren({ ...children, prefixes }, { log, stop, starting })
    starting.use(backUpDaily(options, log))
    starting.use(examineRegularly(options, log))
    starting.use(keepArchivesStored(options, log))
    findOldRouter(config) // the name it had is gone with the router that was replaced
  } catch (cause) {
    throw pointToLog(cause, log.path)
  }
  return starting.move()
}

async function check(options: ChildrenOptions, log: ServerLog, signal: AbortSignal): Promise<void> {
  await using _checked = await Child.start(checkSpec(options, log), () => undefined, signal)
}

/** Where only root's reserve of the disk is free, root opens the database for the roles. */
async function holdRecord(
  options: ChildrenOptions,
  log: ServerLog,
  signal: AbortSignal,
): Promise<AsyncDisposable | undefined> {
  const { config, prefixes } = options
  const { bavail, bsize } = statfsSync(config.dataDirectory)
  const opensByItself = prefixes.worker.length === 0 || bavail * bsize > roomToOpen
  if (opensByItself || !existsSync(config.paths.database)) return undefined
  return Child.start(recordSpec(options, log), () => undefined, signal)
}

type Starting = { log: ServerLog; stop: StopRequest; starting: AsyncDisposableStack }

async function startChildren(options: ChildrenOptions, { log, stop, starting }: Starting): Promise<void> {
  const report: ChildReport = (name, event) => {
    log.write('supervisor', `${name} ${event.kind}`, event)
    sayChild(name, event, log.path)
  }
  await using _record = await holdRecord(options, log, stop.signal)
  for (const together of childSpecs(options, log)) {
    stop.signal.throwIfAborted()
    starting.use(await startTogether(together, report, stop.signal))
  }
}

/** All of them or none. Disposal stops them at the same time. */
async function startTogether(specs: ChildSpec[], report: ChildReport, stop: AbortSignal): Promise<AsyncDisposable> {
  const starts = await Promise.allSettled(
    specs.map((spec) => Child.start(spec, report, spec.startsWhole ? new AbortController().signal : stop)),
  )
  const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const end = async (): Promise<void> => {
    await Promise.all(started.map((child) => child[Symbol.asyncDispose]()))
  }
  const failed = starts.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
  if (failed) {
    await end()
    throw failed.reason
  }
  return { [Symbol.asyncDispose]: end }
}

/** For errors that the user did not cause: only the log has their reason. */
function pointToLog(cause: unknown, log: string): unknown {
  if (!(cause instanceof PaasError) || cause.code !== 'internal') return cause
  return new PaasError(cause.code, cause.message, { hint: `The reason is in ${log}`, cause })
}
