import { join } from 'node:path'
import type { Config } from '../config.ts'
import { ownLogins } from '../logins.ts'
import type { ChildSpec, Running } from './child.ts'
import { startRedis } from './redis.ts'
import { startRole, type RoleOptions } from './role-process.ts'
import { leaveRouter, type Afterlife } from './router.ts'
import type { Prefixes } from './separate.ts'
import type { ServerLog } from './server-log.ts'
import { sayNote } from './terminal.ts'

/**
 * Longer than any turn of an event loop and than a disk stands still that comes back; visitors of a
 * router that hangs wait so long.
 */
const defaultSilentMs = 20_000
const stopMs = 8_000
/** Between starts of the router, milliseconds: visitors wait for it in the kernel's queue. */
const routerPauses = { shortest: 20, longest: 1_000 }

/**
 * MiB for the router's young objects. A request costs a tenth more with 1, a hundredth with 8.
 * After load it holds 57 MiB with 8, and 69 to 118 with Node's 16 (`npm run bench -- proxy`).
 */
export const routerYoungMiB = 8

export type ChildrenOptions = {
  config: Config
  /** Holds `router.ts`, `gate.ts`, `worker.ts`, `api.ts` and `check.ts`. */
  rolesDirectory: string
  /** What the roles get. */
  env: NodeJS.ProcessEnv
  /** What the argv of each begins with. */
  prefixes: Prefixes
  /** Milliseconds for which one may give no sign of life. */
  silentMs?: number
  /** Descriptors that the router listens at. */
  sockets: number[]
  /** What becomes of the router at the end, asked then. */
  afterlife: () => Afterlife
}

type Spec = Omit<ChildSpec, 'silentMs'>

/**
 * What a server consists of, in the order of start. The router is first: what else it waits for,
 * its visitors need not.
 */
export function childSpecs(options: ChildrenOptions, log: ServerLog): ChildSpec[] {
  const { config, silentMs = defaultSilentMs } = options
  const start =
    (name: 'worker' | 'api' | 'gate', own = {}) =>
    (): Promise<Running> =>
      startNamed(name, options, log, { env: { ...options.env, ...own } })
  const gated = options.prefixes.gate ? { DOCKER_HOST: `unix://${config.paths.gateSocket}` } : {}
  const specs: Spec[] = [
    routerSpec(options, log),
    ...(config.redis.kind === 'embedded' ? [redisSpec(options, config.redis.socket, log)] : []),
    ...(options.prefixes.gate ? [{ name: 'gate', readyMs: 30_000, stopMs, start: start('gate') }] : []),
    { name: 'worker', readyMs: 120_000, stopMs, start: start('worker', gated) },
    { name: 'api', readyMs: 30_000, stopMs, start: start('api') },
  ]
  return specs.map((spec) => ({ ...spec, silentMs }))
}

/** Ready once it is sure that the other roles can open the database. */
export function checkSpec(options: ChildrenOptions, log: ServerLog): ChildSpec {
  return helperSpec('check', options, log)
}

/** Keeps the record open, as root where the roles are other users. */
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
  return startRole(join(rolesDirectory, `${name}.ts`), { log: log.fd, env, onNote, logins, prefix, ...options })
}

function routerSpec(options: ChildrenOptions, log: ServerLog): Spec {
  const { config, sockets, afterlife } = options
  return {
    name: 'router',
    readyMs: 30_000,
    stopMs,
    startsWhole: true,
    pauses: routerPauses,
    start: () => startNamed('router', options, log, { sockets, youngMiB: routerYoungMiB }),
    stop: (router) => leaveRouter(router, config.paths, afterlife()),
  }
}

/** It may have to load a large file first, so it gets time. */
function redisSpec({ config, env, prefixes }: ChildrenOptions, socket: string, log: ServerLog): Spec {
  const place = { socket, directory: config.paths.redis, env, prefix: prefixes.redis }
  const start = (): Promise<Running> => startRedis(place, (line) => log.write('redis', line))
  return { name: 'redis', readyMs: 60_000, stopMs, start }
}
