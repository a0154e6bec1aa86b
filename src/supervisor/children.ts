import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { ownLogins } from '../logins.ts'
import { controlSocketOf } from '../router/control/sockets.ts'
import type { ChildSpec, Running } from './child.ts'
import { startRedis } from './redis.ts'
import { isBundled, startRole, type RoleOptions } from './role-process.ts'
import { leaveRouter, type Afterlife } from './router.ts'
import type { Prefixes } from './separate.ts'
import type { ServerLog } from './server-log.ts'
import { sayNote } from './terminal.ts'

/**
 * Longer than any turn of an event loop, and than a disk stalls that comes back. Visitors wait this
 * long when a router hangs.
 */
const defaultSilentMs = 20_000
const stopMs = 8_000
/** Between starts of the router, milliseconds: visitors wait for it in the kernel's queue. */
const routerPauses = { shortest: 20, longest: 1_000 }

/**
 * MiB of V8's young generation in the router. With 1 a request costs a tenth more, with 8 a
 * hundredth. After load the router holds 57 MiB with 8, and 69 to 118 with Node's 16
 * (`npm run bench -- proxy`).
 */
export const routerYoungMiB = 8

export type ChildrenOptions = {
  config: Config
  /** Holds `router.ts`, `gate.ts`, `worker.ts`, `api.ts` and `check.ts`, in the bundle as `.js`. */
  rolesDirectory: string
  /** What the roles get. */
  env: NodeJS.ProcessEnv
  /** The beginning of each role's argv. */
  prefixes: Prefixes
  /** Milliseconds without a heartbeat after which a role is killed. */
  silentMs?: number
  /** Descriptors of the sockets that the router listens on. */
  sockets: number[]
  /** Called at the end: what becomes of the router. */
  afterlife: () => Afterlife
}

type Spec = Omit<ChildSpec, 'silentMs'>

/**
 * The processes of a server, in the order of their start; those of one list start together. The
 * router is first, so that visitors need not wait for the others.
 */
export function childSpecs(options: ChildrenOptions, log: ServerLog): ChildSpec[][] {
  const { config, silentMs = defaultSilentMs } = options
  const start =
    (name: 'worker' | 'api' | 'gate', own = {}) =>
    (): Promise<Running> =>
      startNamed(name, options, log, { env: { ...options.env, ...own } })
  const gated = options.prefixes.gate ? { DOCKER_HOST: `unix://${config.paths.gateSocket}` } : {}
  const [router, ...routers] = routerSpecs(options, log)
  const specs: Spec[][] = [
    [router!],
    routers,
    config.redis.kind === 'embedded' ? [redisSpec(options, config.redis.socket, log)] : [],
    options.prefixes.gate ? [{ name: 'gate', readyMs: 30_000, stopMs, start: start('gate') }] : [],
    [{ name: 'worker', readyMs: 120_000, stopMs, start: start('worker', gated) }],
    [{ name: 'api', readyMs: 30_000, stopMs, start: start('api') }],
  ]
  return specs.map((together) => together.map((spec) => ({ ...spec, silentMs })))
}

/** Ready once it is sure that the other roles can open the database. */
export function checkSpec(options: ChildrenOptions, log: ServerLog): ChildSpec {
  return helperSpec('check', options, log)
}

/** Keeps the database open, as root where the roles are other users. */
export function recordSpec(options: ChildrenOptions, log: ServerLog): ChildSpec {
  return helperSpec('record', options, log)
}

function helperSpec(name: 'check' | 'record', options: ChildrenOptions, log: ServerLog): ChildSpec {
  const start = (): Promise<Running> => startNamed(name, options, log)
  return { name, readyMs: 60_000, silentMs: defaultSilentMs, stopMs, start }
}

function startNamed(
  name: 'router' | 'gate' | 'worker' | 'api' | 'check' | 'record',
  { config, rolesDirectory, env, prefixes }: ChildrenOptions,
  log: ServerLog,
  options: Partial<RoleOptions> = {},
): Promise<Running> {
  const onNote = (text: string): void => sayNote(name, text)
  const logins = name === 'api' ? ownLogins(config) : undefined
  const prefix = name === 'check' || name === 'record' ? [] : (prefixes[name] ?? [])
  const file = join(rolesDirectory, isBundled ? `${name}.js` : `${name}.ts`)
  return startRole(file, { log: log.fd, env, onNote, logins, prefix, ...options })
}

/** The first one takes over from the router before, so the others start after it. */
function routerSpecs({ config, env, ...options }: ChildrenOptions, log: ServerLog): Spec[] {
  const secret = randomBytes(32).toString('base64')
  return Array.from({ length: config.router.processes }, (_, i) => {
    const own = { ...env, ROUTER_NUMBER: String(i + 1), ROUTER_SECRET: secret }
    return routerSpec({ ...options, config, env: own }, i + 1, log)
  })
}

function routerSpec(options: ChildrenOptions, number: number, log: ServerLog): Spec {
  const { config, sockets, afterlife } = options
  return {
    name: number === 1 ? 'router' : `router${number}`,
    readyMs: 30_000,
    stopMs,
    startsWhole: true,
    pauses: routerPauses,
    start: () => startNamed('router', options, log, { sockets, youngMiB: routerYoungMiB }),
    stop: (router) => leaveRouter(router, controlSocketOf(config.paths, number), afterlife()),
  }
}

/** Redis may have to load a large file, so its start may take long. */
function redisSpec({ config, env, prefixes }: ChildrenOptions, socket: string, log: ServerLog): Spec {
  const place = { socket, directory: config.paths.redis, env, prefix: prefixes.redis }
  const start = (): Promise<Running> => startRedis(place, (line) => log.write('redis', line))
  return { name: 'redis', readyMs: 60_000, stopMs, start }
}
