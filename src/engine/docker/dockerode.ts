import { registerHooks } from 'node:module'

/**
 * What dockerode loads for SSH connections and BuildKit sessions, which we have none of: 9 MiB of
 * memory in a process that is idle most of the time.
 */
const unused = ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs']
/** A module that is loaded in any case. */
const instead = 'node:path'

const hooks = registerHooks({
  resolve: (specifier, context, resolve) => resolve(unused.includes(specifier) ? instead : specifier, context),
})
const { default: Docker } = await import('dockerode')
hooks.deregister()

export { Docker }
