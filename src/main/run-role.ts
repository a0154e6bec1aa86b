import { join } from 'node:path'
import { surviveFailedStarts } from '../child-streams.ts'
import { loadConfig, type Config } from '../config.ts'
import { findServerId, openDataDirectory } from '../data-directory.ts'
import { asPaasError, PaasError } from '../errors.ts'
import { lockFile, readLock, type FileLock } from '../lock.ts'
import { createLog, type Logger } from '../log.ts'
import { keepMemoryLow } from './idle-memory.ts'

export type RoleContext = {
  config: Config
  serverId: string
  log: Logger
  /** Tells something to the person who started the server. */
  note: (text: string) => void
  /** The supervisor is gone. */
  abandoned: AbortSignal
}

/** `ended` resolves when the role stops by itself, with the reason. */
export type Serving = AsyncDisposable & { ended?: Promise<string> }

/**
 * `control` stops with its supervisor; `data`, once it serves, keeps serving and waits for the next
 * one. `check` only reads, also while another server uses the data directory, and stops with its
 * supervisor.
 */
export type Plane = 'control' | 'data' | 'check'

/**
 * The life of one role's process: settings, data directory, `serve`, the ready message to the
 * supervisor, then SIGTERM or SIGINT, and an orderly stop. What `serve` gives is disposed at the
 * end. A failure is told to the supervisor and makes the process exit with 1.
 */
export async function runRole(
  role: string,
  plane: Plane,
  serve: (context: RoleContext) => Promise<Serving>,
): Promise<void> {
  const { promise: stop, resolve: requestStop } = Promise.withResolvers<string>()
  process.on('SIGTERM', requestStop)
  process.on('SIGINT', requestStop)
  const abandoned = new AbortController()
  const abandon = (): void => {
    abandoned.abort(new Error('the supervisor is gone'))
    if (plane !== 'data') requestStop('the supervisor is gone')
  }
  process.on('disconnect', abandon)
  if (process.send && !process.connected) abandon()
  surviveFailedStarts()
  let log = createLog(role)
  try {
    const config = loadConfig()
    log = createLog(role, config.logLevel)
    const serverId = (process.send && findServerId(config)) ?? openDataDirectory(config).serverId
    // A router takes over from the one before it while that still serves (router/run).
    using _alone = role === 'api' || role === 'worker' ? await lockRole(role, config) : undefined
    using _heart = giveHeartbeat()
    const note = (text: string): void => tellSupervisor({ note: text })
    await using serving = await serve({ config, serverId, log, note, abandoned: abandoned.signal })
    using _memory = plane === 'check' ? undefined : keepMemoryLow({ serves: plane === 'data' })
    tellSupervisor({ ready: true })
    log.info('ready')
    log.info({ reason: await Promise.race([stop, ...(serving.ended ? [serving.ended] : [])]) }, 'stopping')
  } catch (thrown) {
    const { code, message, hint } = asPaasError(thrown)
    tellSupervisor({ failed: { code, message, hint } })
    log.fatal({ err: thrown, code }, message)
    process.exitCode = 1
  } finally {
    if (process.connected) process.disconnect()
  }
}

/**
 * One process per role and data directory. A role of a killed supervisor may still be stopping, and
 * would then remove our sockets, so this waits as long as a stop may take.
 * @throws data_directory_in_use
 */
async function lockRole(role: 'api' | 'worker', { paths, dataDirectory }: Config): Promise<FileLock> {
  const path = join(paths.runs[role], 'role.lock')
  const lock = await lockFile(path, { wait: AbortSignal.timeout(15_000) })
  if (lock === undefined) {
    throw new PaasError('data_directory_in_use', `Another ${role} (pid ${readLock(path)}) runs on ${dataDirectory}.`)
  }
  lock.describe(String(process.pid))
  return lock
}

/**
 * Reports once a second that the event loop runs; the supervisor kills a process that stops
 * reporting (supervisor/child). None is sent while the one before waits, as it does where the
 * supervisor is stopped.
 */
function giveHeartbeat(): Disposable {
  let isUnderWay = false
  const beat = (): void => {
    if (isUnderWay || !process.connected) return
    isUnderWay = true
    process.send?.({ alive: true }, () => (isUnderWay = false))
  }
  const timer = setInterval(beat, 1000).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Does nothing in a process without supervisor, or that outlived it. */
function tellSupervisor(message: { ready: true } | { note: string } | { failed: object }): void {
  if (process.connected) process.send?.(message)
}
