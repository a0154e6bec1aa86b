import type { Builds } from '../build/builds.ts'
import type { Certificates } from '../certificates/certificates.ts'
import type { Config } from '../config.ts'
import type { DataTransfers } from '../data-transfers/data-transfers.ts'
import type { Drains } from '../drains/drains.ts'
import type { Dynos } from '../dynos/dynos.ts'
import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../model/repositories.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { AppLogWriter } from '../model/app-log.ts'
import type { OneOffs } from '../one-offs/one-offs.ts'
import type { OutputWriters } from '../model/output.ts'
import type { OwnPages } from '../own-pages/own-pages.ts'
import type { Releases } from '../release/releases.ts'
import type { AddonBackups } from '../services/addon-backups.ts'
import type { AddonUpgrades } from '../services/upgrades.ts'
import type { Volumes } from '../volumes/volumes.ts'
import type { Services } from '../services/services.ts'
import type { Store } from '../store/store.ts'
import type { StackUpgrades } from '../upgrades/upgrades.ts'
import type { LogCollector } from './collect-logs.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { BuildMeter } from './measure-builds.ts'

/**
 * What a worker is made of, open and closed by the caller: the owners, whose verbs it calls, and
 * what it looks after itself.
 */
export type WorkerParts = {
  builds: Builds
  releases: Releases
  dynos: Dynos
  oneOffs: OneOffs
  upgrades: Pick<StackUpgrades, 'wake'> & AsyncDisposable
  services: Services
  ownPages: OwnPages
  certificates: Pick<Certificates, 'begin' | 'wake'> & AsyncDisposable
  dataTransfers: DataTransfers
  addonBackups: AddonBackups
  addonUpgrades: AddonUpgrades
  volumes: Volumes
  collector: LogCollector
  drains: Drains
  config: Config
  serverId: string
  log: Logger
  platformLog: Pick<PlatformLog, 'api' | 'dyno'>
  store: Store
  engine: Engine
  repositories: Pick<Repositories, 'remove'>
  logs: Pick<AppLogWriter, 'remove'>
  outputs: Pick<OutputWriters, 'close'>
  buildMeter: BuildMeter
}

/** With the one way to work. */
export type Working = WorkerParts & { dispatcher: Dispatcher }
