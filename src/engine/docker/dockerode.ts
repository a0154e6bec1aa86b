import { loadWithout } from '../../load-without.ts'

/**
 * What dockerode loads for SSH connections and BuildKit sessions, which we have none of: 9 MiB of
 * memory in a process that is idle most of the time.
 */
const unused = ['ssh2', '@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs']

export const { default: Docker } = await loadWithout(unused, () => import('dockerode'))
