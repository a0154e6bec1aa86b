import { join } from 'node:path'
import { Builds } from '../build/builds.ts'
import { createPackPolicy } from '../build/pack-url.ts'
import type { BuildSandboxes } from '../build/sandboxes.ts'
import type { Stacks } from '../build/stacks.ts'
import { Certificates } from '../certificates/certificates.ts'
import type { Config } from '../config.ts'
import { DataTransfers } from '../data-transfers/data-transfers.ts'
import type { BackupStorage } from '../data-transfers/storage.ts'
import { Drains } from '../drains/drains.ts'
import { DynoLog } from '../dynos/dyno-log.ts'
import { Dynos } from '../dynos/dynos.ts'
import { withVolumes } from '../dynos/volume-mounts.ts'
import { RememberedStates } from '../dynos/remembered-states.ts'
import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../model/repositories.ts'
import { Grants } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import type { AppLogWriter } from '../model/app-log.ts'
import { createPlatformLog } from '../logs/platform-log.ts'
import { openAppLogReader } from '../logs/reader.ts'
import type { RunPipeline } from '../model/build-request.ts'
import { OneOffs } from '../one-offs/one-offs.ts'
import { createOutbound } from '../outbound/outbound.ts'
import type { OutputWriters } from '../model/output.ts'
import { OwnPages } from '../own-pages/own-pages.ts'
import { Quotas } from '../quotas/quotas.ts'
import { Releases } from '../release/releases.ts'
import type { DataDoorControl, RouterControl } from '../router/control/control.ts'
import type { Store } from '../store/store.ts'
import { LogCollector } from '../worker/collect-logs.ts'
import { LogCursors } from '../worker/log-cursors.ts'
import { AddonBackups } from '../services/addon-backups.ts'
import { Services } from '../services/services.ts'
import { AddonUpgrades } from '../services/upgrades.ts'
import { Volumes } from '../volumes/volumes.ts'
import { StackUpgrades } from '../upgrades/upgrades.ts'
import { BuildMeter } from '../worker/measure-builds.ts'
import type { WorkerParts } from '../worker/parts.ts'
import { openScratch } from './backup-storage.ts'

/** What the owners are made of; the caller opens and closes each. */
export type Foundations = {
  config: Config
  serverId: string
  log: Logger
  store: Store
  engine: Engine
  router: RouterControl
  doors: DataDoorControl
  pipeline: RunPipeline
  sandboxes: BuildSandboxes
  stacks: Stacks
  /** Of backups of add-ons. */
  storage: BackupStorage
  /** Room on the engine's disk for a build. @throws disk_full */
  makeDiskRoom: () => Promise<void>
  repositories: Repositories
  logs: AppLogWriter
  outputs: OutputWriters
}

/**
 * Makes each owner once: `Dynos`, `Releases` on top of it, `Builds` on top of that, and what else a
 * worker calls. `life` closes whatever has to be closed.
 */
export function createOwners(given: Foundations, life: AsyncDisposableStack): WorkerParts {
  const { config, store, log, router, pipeline, sandboxes, makeDiskRoom, repositories, logs, outputs } = given
  const engine = withVolumes(given.engine, store)
  const { build, paths, dynoSizes: sizes, stop } = config
  const outbound = createOutbound(config)
  const platformLog = createPlatformLog(logs)
  const states = new RememberedStates({ saved: store.dynoStates, log })
  const dynoLog = new DynoLog({ platformLog, states })
  const quotas = new Quotas({ store, repositories, quota: config.accountQuota })
  const buildMeter = new BuildMeter()

  const dynos = new Dynos({ engine, router, store, quotas, dynoLog, states, platformLog, config, log })
  const { timeoutSeconds } = build
  const releases = new Releases({ dynos, store, outputs, platformLog, timeoutSeconds, log })
  const cursors = new LogCursors({ path: join(paths.runs.worker, 'log-cursors.json'), log })
  const collector = life.use(new LogCollector({ engine, logs, cursors, log }))
  const services = new Services({ ...given, platformLog, collector })
  const addonBackups = new AddonBackups({ ...given, platformLog, collector })
  const addonUpgrades = new AddonUpgrades({ ...given, platformLog, collector, services })
  const builds = new Builds({
    engine,
    store,
    pipeline,
    sandboxes,
    releases,
    repositories,
    outputs,
    outbound,
    quotas,
    addons: services,
    makeDiskRoom,
    packPolicy: createPackPolicy(config),
    meter: buildMeter,
    sourcesDirectory: paths.sources,
    tarballBytes: config.limits.packBytes,
    publicUrl: config.publicUrl,
    limits: build,
    log,
  })

  const volumes = new Volumes({ engine, store, dynos, platformLog, config, log })
  const drains = life.use(createDrains(given, life))
  const grants = life.use(new Grants(store))
  const oneOffs = new OneOffs({ engine, store, dynoLog, platformLog, grants, collector, sizes, stop, log })
  const certificates = new Certificates({ config, store, router, outbound, platformLog, log })
  const ownPages = new OwnPages({ config, store, outbound, platformLog, log })
  const dataTransfers = new DataTransfers({ ...given, scratch: openScratch(config), platformLog, outbound })
  const upgrades = new StackUpgrades({ ...given, releases })
  return {
    ...given,
    engine,
    platformLog,
    buildMeter,
    builds,
    releases,
    dynos,
    oneOffs,
    services,
    certificates,
    ownPages,
    dataTransfers,
    addonBackups,
    addonUpgrades,
    volumes,
    upgrades,
    collector,
    drains,
  }
}

/**
 * Drains read the log's files, not the collector, so that each continues where it was after any
 * restart.
 */
function createDrains({ config, store, logs, log }: Foundations, life: AsyncDisposableStack): Drains {
  const cursors = new LogCursors({ path: join(config.paths.runs.worker, 'drain-cursors.json'), log })
  life.defer(() => cursors.save())
  const appLog = openAppLogReader({ directory: config.paths.logs })
  return new Drains({ store, logs, log, cursors, appLog, outbound: createOutbound(config) })
}
