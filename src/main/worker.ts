import { createTreeMaker } from '../build/make-tree.ts'
import { createPackPolicy } from '../build/pack-url.ts'
import { createPipeline } from '../build/pipeline.ts'
import { BuildSandboxes } from '../build/sandboxes.ts'
import { createStacks } from '../build/stacks.ts'
import { AppTrees } from '../build/trees.ts'
import { createContainers } from '../containers/engine-containers.ts'
import { serveContainers } from '../containers/server.ts'
import { connectDocker } from '../engine/docker/docker.ts'
import { treesAt } from '../engine/docker/host.ts'
import { createRepositories } from '../git/bare-repositories.ts'
import { openAppLogWriter } from '../logs/writer.ts'
import { openOutputWriters } from '../output/writer.ts'
import { connectDataDoors, connectRouterControl } from '../router/control/client.ts'
import { holdServerId } from '../server-id.ts'
import { checkRecord } from '../worker/check-record.ts'
import { tellLacks } from '../worker/machine-lacks.ts'
import { refuseMissingRuntime } from '../worker/runtime.ts'
import { openWorker } from '../worker/worker.ts'
import { openBackupStorage } from './backup-storage.ts'
import { openRecord } from './open-record.ts'
import { createDiskRoom } from './disk-room.ts'
import { createOwners } from './owners.ts'
import { runRole } from './run-role.ts'

export const run = (): Promise<void> =>
  runRole('worker', 'control', async ({ config, serverId, log, note }) => {
    const { paths, redis, build, limits, registries } = config
    const packPolicy = createPackPolicy(config)
    await using life = new AsyncDisposableStack()
    life.use(await holdServerId({ serverId, dataDirectory: config.dataDirectory }))
    const store = life.use(openRecord({ config, log, note }))
    const logs = life.use(openAppLogWriter({ directory: paths.logs, log }))
    const outputs = life.use(openOutputWriters({ redis, serverId, directory: paths.builds, log }))
    const engine = connectDocker({ ...config, serverId, log })
    await refuseMissingRuntime({ engine, runtime: config.runtime })
    const router = connectRouterControl(paths.routerSocket)
    const doors = connectDataDoors(paths.routerSocket)
    const repositories = createRepositories({ directory: paths.repositories, limits })
    // The cache is that of set-up, which is root. The worker has its locks in a place of its own.
    const patchOf = (name: string) => store.stackPatches.newest(name)?.snapshot
    const stacks = createStacks({ engine, config: { ...config, cacheDirectory: paths.runs.worker }, patchOf })
    const toolboxes = (name: string) => stacks(name).toolbox
    const trees = new AppTrees(engine)
    const { docker } = config
    const makeTree = createTreeMaker(engine, docker.kind === 'gate' ? treesAt(docker.path) : undefined)
    const sandboxes = life.use(new BuildSandboxes({ engine, toolboxes, trees, build, log }))
    const makeDiskRoom = createDiskRoom({ config, store, engine, sandboxes, log })
    const storage = openBackupStorage({ config, store, serverId })
    const pipeline = createPipeline({
      engine,
      toolboxes,
      sandboxes,
      trees,
      makeTree,
      repositories,
      build,
      registries,
      limits,
      packPolicy,
      log,
    })
    const building = { stacks, sandboxes, pipeline, storage, makeDiskRoom }
    const parts = { config, serverId, log, store, engine, router, doors, ...building, repositories, logs, outputs }
    const owners = createOwners(parts, life)
    const containers = createContainers({ ...parts, volumes: owners.volumes })
    life.use(await serveContainers({ socketPath: paths.containersSocket, containers, log }))
    life.use(await openWorker(owners))
    life.use(checkRecord(store))
    await tellLacks({ engine, build, dynoSizes: config.dynoSizes, log }, note)
    return life.move()
  })

if (import.meta.main) await run()
