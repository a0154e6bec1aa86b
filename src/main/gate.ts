import { findAncestors } from '../data-directory.ts'
import { serveGate } from '../gate/server.ts'
import { PaasError } from '../errors.ts'
import { runRole } from './run-role.ts'

export const run = (): Promise<void> =>
  runRole('gate', 'control', async ({ config, serverId, log }) => {
    const { docker, paths } = config
    if (docker.kind !== 'socket') {
      throw new PaasError('settings_invalid', 'A gate needs the Unix socket of the engine in DOCKER_HOST.')
    }
    const ancestors = findAncestors(config)
    return serveGate({ engineSocket: docker.path, socketPath: paths.gateSocket, config, serverId, ancestors, log })
  })

if (import.meta.main) await run()
