import { isBuiltin, registerHooks } from 'node:module'

/** As the libraries write them in their imports. */
const unusedModules = {
  /** For SSH connections, BuildKit sessions and builds by Docker itself: 9 MiB of memory. */
  dockerode: ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'tar-fs', '@balena/dockerignore'],
  /**
   * For jobs at times of a calendar or with a priority, a delay or parts, queues in PostgreSQL,
   * other clients of Redis and processes of its own: 5 MiB in worker and api each.
   */
  bullmq: [
    'cron-parser',
    './postgres',
    './node-redis-client',
    './bun-redis-client',
    './valkey-glide-client',
    './child',
    './child-pool',
    './child-processor',
    './sandbox',
    './flow-producer',
    './queue-events',
    './queue-events-producer',
    './redis-relay-backend',
    './relay',
    // Scripts that Redis runs: each is a part of a file's text, and a string besides.
    './addDelayedJob-6',
    './addJobScheduler-11',
    './addParentJob-6',
    './addPrioritizedJob-9',
    './cleanJobsInSet-3',
    './drain-5',
    './moveJobsToWait-8',
    './obliterate-2',
    './relayDeleteRetained-1',
    './relayGet-1',
    './relayPublish-1',
    './relayRegisterNode-1',
    './relayRemoveEndpoint-1',
    './relaySubscribe-1',
    './relaySweep-1',
    './relayUnregisterNode-1',
    './releaseParentIfNoPendingDependencies-2',
    './removeChildDependency-1',
    './removeJob-2',
    './removeUnprocessedChildren-2',
    './reprocessJob-9',
    './updateJobScheduler-12',
  ],
  /** For threads that write: 0.6 MiB in each role. */
  pino: ['./transport', './lib/transport', 'worker_threads'],
  /** It is given what compiles schemas, see api/http/validation, and speaks HTTP/1: 1.7 MiB. */
  fastify: ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'node:http2'],
}

type Library = keyof typeof unusedModules

/** A module with nothing in it. */
const nothing = { url: 'paas:nothing', format: 'commonjs', source: '', shortCircuit: true }

/**
 * Loads a library without what it would load for uses that we do not make of it, which would take
 * memory for as long as the process runs. In the bundle they are not there (bin/bundle).
 */
export async function loadWithout<Loaded>(library: Library, load: () => Promise<Loaded>): Promise<Loaded> {
  if (!import.meta.url.endsWith('.ts')) return load()
  const hooks = registerHooks({
    resolve: (specifier, context, resolve) =>
      isUnused(specifier, context.parentURL, [library]) ? nothing : resolve(specifier, context),
    load: (url, context, load) => (url === nothing.url ? nothing : load(url, context)),
  })
  try {
    return await load()
  } finally {
    hooks.deregister()
  }
}

/**
 * Whether an import is for such a use. Packages are named by whoever imports them, what is not a
 * package by files of the library itself.
 */
export function isUnused(
  specifier: string,
  importer = '',
  libraries = Object.keys(unusedModules) as Library[],
): boolean {
  return libraries.some((library) => {
    const names: readonly string[] = unusedModules[library]
    const isPackage = !specifier.startsWith('.') && !isBuiltin(specifier)
    return names.includes(specifier) && (isPackage || importer.includes(`/node_modules/${library}/`))
  })
}
