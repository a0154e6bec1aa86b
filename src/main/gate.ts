import { findAncestors } from '../data-directory.ts'
import { makeTree } from '../build/make-tree.ts'
import { serveGate } from '../gate/server.ts'
import { PaasError } from '../errors.ts'
import { RoleMeter } from '../metrics/role-meter.ts'
import { serveFigures } from '../metrics/role-socket.ts'
import { runRole } from './run-role.ts'

export const run = (): Promise<void> =>
  runRole('gate', 'control', async ({ config, serverId, log }) => {
    const { docker, paths } = config
    if (docker.kind !== 'socket') {
      throw new PaasError('settings_invalid', 'A gate needs the Unix socket of the engine in DOCKER_HOST.')
    }
    const ancestors = findAncestors(config)
    await using life = new AsyncDisposableStack()
    const meter = life.use(new RoleMeter())
    life.use(await serveFigures(paths.gateFiguresSocket, () => meter.figures()))
    const places = { engineSocket: docker.path, socketPath: paths.gateSocket }
    life.use(await serveGate({ ...places, config, serverId, ancestors, makeTree, log }))
    return life.move()
  })

if (import.meta.main) await run()
