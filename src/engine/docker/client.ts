import { Agent } from 'node:http'
import { callbackify, inspect, promisify } from 'node:util'
import type Dockerode from 'dockerode'
import type { Config } from '../../config.ts'
import { asExhaustion, PaasError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { Docker } from './dockerode.ts'
import { gateUnavailable, readAway, throughGate } from './gate.ts'

/** What the parts of this directory are made from. */
export type DockerDeps = { docker: Dockerode; serverId: string; log: Logger }

/** The newest API version whose answers this code was written for. */
const newestVersion = '1.51'

type DialOptions = {
  abortSignal?: AbortSignal
  method: string
  path: string
  options?: Record<string, unknown>
  file?: unknown
}
type DialCallback = (error: Error | null, data?: unknown) => void
type Modem = { version?: string; agent?: Agent; dial: (options: DialOptions, callback: DialCallback) => void }

/**
 * A client that speaks the newest API version both sides know, and whose every call fails with
 * `engine_unavailable` when the engine cannot be reached, or with the signal's own reason after an
 * abort. Each call has a connection of its own: one kept from before a restart of the engine would
 * fail the next call.
 */
export function connectClient(connection: Config['docker']): Dockerode {
  const docker = new Docker(addressOf(connection))
  const modem = docker.modem as unknown as Modem
  modem.agent = shortlyInspected(new Agent({ keepAlive: false }))
  const dial = dialing(promisify(modem.dial.bind(modem)), connection)
  let negotiation: Promise<void> | undefined

  modem.dial = callbackify(async (options: DialOptions) => {
    try {
      await (negotiation ??= negotiate(modem, dial))
      return await dial(written(options))
    } catch (error) {
      if (modem.version === undefined) negotiation = undefined
      throw explain(error, connection, options.abortSignal)
    }
  })
  return docker
}

type Dial = (options: DialOptions) => Promise<unknown>

/**
 * Waits for a gate that is being restarted. Not with a stream, which can be sent only once, and not
 * when asking for an exit code: the output may have ended with the gate instead of the process.
 */
function dialing(dial: Dial, { kind }: Config['docker']): Dial {
  if (kind !== 'gate') return dial
  return (options) => {
    if (options.file !== undefined || options.path.endsWith('/wait?')) return dial(options)
    return throughGate(() => dial({ ...options }), options.abortSignal)
  }
}

/**
 * docker-modem inspects what each call is made with, to any depth, for a debug line that nobody
 * reads. The agent leads to every open connection: to print those took three quarters of the CPU
 * time of a worker that follows some twenty dynos.
 */
function shortlyInspected(agent: Agent): Agent {
  return Object.assign(agent, { [inspect.custom]: () => 'Agent' })
}

/**
 * `host: ''` keeps docker-modem from taking a host from DOCKER_HOST, which `config.ts` has read
 * already.
 */
function addressOf(connection: Config['docker']): Dockerode.DockerOptions {
  if (connection.kind !== 'tcp') return { socketPath: connection.path, host: '', protocol: 'http' }
  return { host: connection.host, port: connection.port, protocol: 'http' }
}

async function negotiate(modem: Modem, dial: Dial): Promise<void> {
  const request = { path: '/version', method: 'GET', statusCodes: { 200: true, 500: 'server error' } }
  const { ApiVersion } = (await dial(request as DialOptions)) as { ApiVersion: string }
  modem.version = `v${olderVersion(ApiVersion, newestVersion)}`
}

/** The older of two API versions, such as `1.41`. */
export function olderVersion(a: string, b: string): string {
  return a.localeCompare(b, 'en', { numeric: true }) < 0 ? a : b
}

/**
 * docker-modem writes all options into the URL: what goes with the body too, config vars for one,
 * and the signal.
 */
function written(call: DialOptions): DialOptions {
  const { abortSignal: _, ...options } = call.options ?? {}
  if (call.method !== 'POST' || !/^\/(containers|networks|volumes)\/create\?$/.test(call.path))
    return { ...call, options }
  const { name, ...body } = options
  return { ...call, options: { _query: name === undefined ? {} : { name }, _body: body } }
}

function explain(error: unknown, connection: Config['docker'], signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  const away = readAway(error)
  if (away) return unreachable(away, { kind: 'socket', path: away.path })
  const { code, message = '' } = error as { code?: string; message?: string }
  const status = statusOf(error)
  if (status !== undefined)
    return /no space left on device/i.test(message) ? diskFull(error) : new EngineRefusal(status, error)
  if (code === undefined) return error
  return unreachable(error, connection)
}

function unreachable(error: unknown, connection: Config['docker']): PaasError {
  const lack = asExhaustion(error)
  if (lack) return lack
  return connection.kind === 'gate' ? gateUnavailable(connection.path, error) : engineUnavailable(connection, error)
}

function engineUnavailable(connection: Exclude<Config['docker'], { kind: 'gate' }>, cause: unknown): PaasError {
  const where = connection.kind === 'socket' ? connection.path : `${connection.host}:${connection.port}`
  const { code } = cause as { code?: string }
  if (code === 'EACCES') {
    return new PaasError('engine_unavailable', `This user has no permission to use Docker at ${where}.`, {
      hint: 'Run as root, or add the user to the docker group and log in again: usermod -aG docker USER',
      cause,
    })
  }
  return new PaasError('engine_unavailable', `Docker does not answer at ${where} (${code}).`, { cause })
}

function diskFull(cause: unknown): PaasError {
  return new PaasError('disk_full', "The disk that holds Docker's data is full.", { cause })
}

/**
 * The engine answered with an error. A caller that expects one checks its status.
 */
export class EngineRefusal extends PaasError {
  readonly statusCode: number
  /** In the engine's own words. */
  readonly reason: string

  constructor(statusCode: number, cause: unknown) {
    const reason = (cause as Error).message.replace(/^\(HTTP code \d+\) [^-]+ - /, '').trim()
    super('engine_refused', `Docker rejected a request: ${reason}`, { cause })
    this.statusCode = statusCode
    this.reason = reason
  }
}

/** The HTTP status of a refusal by the engine; undefined for any other failure. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** The result, or undefined when the engine says there is no such thing, or soon will be none. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    if (statusOf(error) === 409 && /marked for removal/.test((error as Error).message)) return undefined
    throw error
  }
}
