import { registerHooks } from 'node:module'

/** As the libraries write them in their imports. */
export const unusedModules = {
  /** For SSH connections and BuildKit sessions: 9 MiB of memory. */
  dockerode: ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs'],
  /** For jobs at times of a calendar and queues in PostgreSQL: 3 MiB in worker and api each. */
  bullmq: ['cron-parser', './postgres'],
  /** It is given what compiles schemas, see api/http/validation: 1 MiB. */
  fastify: ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'],
}

/** A module that is loaded in any case. */
const instead = 'node:path'

/**
 * Loads a library without what it would load for uses that we do not make of it, which would take
 * memory for as long as the process runs. In the bundle they are not there (bin/bundle).
 */
export async function loadWithout<Library>(unused: string[], load: () => Promise<Library>): Promise<Library> {
  const hooks = registerHooks({
    resolve: (specifier, context, resolve) => resolve(unused.includes(specifier) ? instead : specifier, context),
  })
  try {
    return await load()
  } finally {
    hooks.deregister()
  }
}
