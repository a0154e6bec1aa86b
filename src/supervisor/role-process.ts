import { spawn, type ChildProcess } from 'node:child_process'
import { PaasError, type ErrorCode } from '../errors.ts'
import { answerLogin, type LoginCall, type Logins } from '../logins.ts'
import type { Running } from './child.ts'
import type { Heartbeat } from './heartbeat.ts'

/** What a role tells over its IPC channel (see main/run-role). */
type RoleMessage =
  | { ready: true }
  | { alive: true }
  | { note: string }
  | LoginCall
  | { failed: { code: ErrorCode; message: string; hint?: string } }

export type RoleOptions = {
  /** Descriptor of the log file. */
  log: number
  env: NodeJS.ProcessEnv
  /** Called with messages for the person who started the server. */
  onNote: (text: string) => void
  /** Stores the login of the paas command. */
  logins?: Logins | undefined
  /** MiB of V8's young generation: less memory, more frequent collections. */
  youngMiB?: number
  /** The beginning of the argv, to run it as another user. */
  prefix?: string[]
  /** Descriptors that are passed to it as in sd_listen_fds(3). */
  sockets?: number[]
}

/** For roles that are mostly idle: a third less memory than with Node's 16 MiB. */
const youngMiB = 1

/**
 * Saves memory in every role: one malloc arena instead of one per thread (mallopt(3)), so that
 * freed memory is returned to the system; and BullMQ's packer of messages does without its native
 * part, for which the linker goes through all names of Node's program, 3 MiB.
 */
export const sparingEnvironment = { MALLOC_ARENA_MAX: '1', MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true' }

/**
 * For roles that no visitor waits for: malloc maps each block of 32 KiB by itself, as compilers of
 * V8 take them, and returns the end of its heap from 64 KiB on. It raises both limits otherwise
 * when a larger block is freed, so that small ones that stay come to lie between those of the
 * start: 4 MiB in the api.
 */
const givingEnvironment = {
  MALLOC_MMAP_THRESHOLD_: '32768',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_TOP_PAD_: '32768',
}

/**
 * V8's first compiler makes code that is kept with each function that ran some times: 1 MiB in
 * each. What runs often is compiled by the second and third one all the same.
 */
const givingFlags = ['--no-sparkplug']

/** Whether this runs as `bin/bundle` made it, or from the sources. */
export const isBundled = !import.meta.url.endsWith('.ts')

/**
 * `main/idle-memory` calls the collector; without the flag the way to it takes 0.4 MiB. Sources are
 * run without, since it makes what is in Node's compile cache useless.
 */
const collecting = isBundled ? ['--expose-gc'] : []

/**
 * Starts `node FILE` in a session of its own, so that a terminal's Ctrl-C reaches only the
 * supervisor, which stops the roles in order. Both outputs go straight into the log file: a role
 * that outlives the supervisor can still write.
 */
export async function startRole(file: string, options: RoleOptions): Promise<Running> {
  const { log, env, onNote, logins, prefix = [], sockets = [] } = options
  const serves = sockets.length > 0
  const young = `--max-semi-space-size=${options.youngMiB ?? youngMiB}`
  const flags = [young, ...collecting, ...(serves ? [] : givingFlags)]
  const [program, ...argv] = [...prefix, process.execPath, ...flags, file]
  const child = spawn(program, argv, {
    stdio: ['ignore', log, log, ...sockets, 'ipc'],
    detached: true,
    env: {
      ...sparingEnvironment,
      ...(serves ? {} : givingEnvironment),
      ...env,
      LISTEN_FDS: String(sockets.length),
      LISTEN_PID: '',
    },
  })
  child.on('message', (message: RoleMessage) => {
    if ('note' in message) onNote(message.note)
    if ('login' in message && logins) void answerLogin(message, logins).then((answer) => child.send(answer))
  })
  const heartbeat: Heartbeat = (onBeat, signal) => {
    child.on('message', onBeat)
    signal.addEventListener('abort', () => child.off('message', onBeat), { once: true })
  }
  return { ...(await running(child, roleReady(child))), heartbeat }
}

/**
 * A child process as the supervisor sees it, once it runs. Rejects when it cannot be started at
 * all.
 */
export async function running(child: ChildProcess, ready: Promise<void>): Promise<Running> {
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `was killed by ${signal}` : `exited with code ${code}`))
  })
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  if (child.pid === undefined) throw new Error('a process that started has no pid')
  const release = (): void => {
    if (child.connected) child.disconnect()
    child.unref()
  }
  return { pid: child.pid, ready, ended, signal: (name) => void child.kill(name), release }
}

function roleReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: RoleMessage) => {
      if ('ready' in message) resolve()
      else if ('failed' in message) reject(asError(message.failed))
    })
  })
}

function asError({ code, message, hint }: { code: ErrorCode; message: string; hint?: string }): PaasError {
  return new PaasError(code, message, hint === undefined ? {} : { hint })
}
