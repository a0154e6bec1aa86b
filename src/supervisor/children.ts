import { join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import type { ChildSpec, Running } from './child.ts'
import { startRedis } from './redis.ts'
import { startRole, type RoleOptions } from './role-process.ts'
import { startRouter } from './router.ts'
import type { ServerLog } from './server-log.ts'
import { sayNote } from './terminal.ts'

/** Longer than any turn of an event loop and than a disk stands still that comes back; visitors of a router that hangs wait so long. */
const defaultSilentMs = 20_000
const stopMs = 8_000
/** Longer than the router gives the requests in flight (router/run). */
const routerStopMs = 12_000

/**
 * Young objects get 1 MiB instead of 16: a third less memory for the processes that mostly wait. The router keeps Node's default, since
 * its requests would pay for it.
 */
const sparing = ['--max-semi-space-size=1']
/** One place for what C code allocates, not one per thread (mallopt(3)): these processes have little for threads to do. */
const sparingEnvironment = { MALLOC_ARENA_MAX: '1' }

export type ChildrenOptions = {
  config: Config
  /** Holds `router.ts`, `worker.ts` and `api.ts`. */
  rolesDirectory: string
  /** What the roles get. */
  env: NodeJS.ProcessEnv
  /** Milliseconds for which one may give no sign of life. */
  silentMs?: number
}

type Spec = Omit<ChildSpec, 'silentMs'>

/** What a server consists of, in the order of start. */
export function childSpecs(options: ChildrenOptions, log: ServerLog): ChildSpec[] {
  const { config, rolesDirectory, env, silentMs = defaultSilentMs } = options
  const role = (name: string, options: Partial<RoleOptions> = {}): Promise<Running> =>
    startRole(join(rolesDirectory, `${name}.ts`), {
      log: log.fd,
      env,
      onNote: (text) => sayNote(name, text),
      ...options,
    })
  const mostlyIdle = { flags: sparing, env: { ...sparingEnvironment, ...env } }
  const specs: Spec[] = [
    ...(config.redis.kind === 'embedded' ? [redisSpec(config, config.redis.socket, env, log)] : []),
    routerSpec(config, rolesDirectory, (lock) => role('router', lock === undefined ? {} : { lock })),
    { name: 'worker', readyMs: 120_000, stopMs, start: () => role('worker', mostlyIdle) },
    { name: 'api', readyMs: 30_000, stopMs, start: () => role('api', mostlyIdle) },
  ]
  return specs.map((spec) => ({ ...spec, silentMs }))
}

/** It may have to load a large file first, so it gets time. */
function redisSpec({ paths }: Config, socket: string, env: NodeJS.ProcessEnv, log: ServerLog): Spec {
  const start = (): Promise<Running> =>
    startRedis({ socket, directory: paths.redis, env }, (line) => log.write('redis', line))
  return { name: 'redis', readyMs: 60_000, stopMs, start }
}

type StartWithLock = (lock: number) => Promise<Running>

function routerSpec(config: Config, rolesDirectory: string, start: StartWithLock): Spec {
  const { paths, httpPort, httpsPort, domain, publicUrl, trustedProxies } = config
  const { version } = packageJson
  const listening = { httpPort, httpsPort, domain, publicUrl, trustedProxies }
  const spec = {
    lock: join(paths.run, 'router.lock'),
    controlSocket: paths.routerSocket,
    settings: JSON.stringify({ ...listening, rolesDirectory, version, node: process.version }),
    start,
  }
  return { name: 'router', readyMs: 30_000, stopMs: routerStopMs, start: () => startRouter(spec) }
}
