import type { FigureEntry, RoleFigures, WorkerFigures } from '../model/figures.ts'
import type { FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Config } from '../config.ts'
import type { Containers } from '../containers/containers.ts'
import type { Repositories } from '../model/repositories.ts'
import type { Grants } from '../grants/grants.ts'
import type { Logger } from '../log.ts'
import type { AppLogReader } from '../model/app-log.ts'
import type { MinuteSpan } from '../metrics/figure-reader.ts'
import type { AppId } from '../model/ids.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { OutputReader } from '../model/output.ts'
import type { Queue } from '../queue/queue.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { RouterMeasurements } from '../router/control/control.ts'
import type { Store } from '../store/store.ts'

/** What the resources are made of; each takes the parts it uses. */
export type ApiDeps = {
  config: Pick<
    Config,
    | 'publicUrl'
    | 'domain'
    | 'domainProof'
    | 'acme'
    | 'httpPort'
    | 'httpsPort'
    | 'paths'
    | 'dynoSizes'
    | 'limits'
    | 'backup'
    | 'network'
    | 'stacksDirectory'
    | 'packageSource'
    | 'volumeBackup'
    | 'servicesDirectories'
    | 'dataPorts'
  >
  store: Store
  grants: Grants
  quotas: Quotas
  queue: Queue
  containers: Containers
  repositories: Pick<Repositories, 'resolve' | 'keep' | 'release' | 'bytesOf'>
  output: OutputReader
  platformLog: Pick<PlatformLog, 'api'>
  appLog: AppLogReader
  measured: Measured
  outbound: Outbound
  log: Logger
}

/** Where figures come from. */
export type Measured = {
  /** What the app's files have. */
  figures(appId: AppId, span: MinuteSpan): Promise<FigureEntry[]>
  router: RouterMeasurements
  /** What the worker tells. Rejects while none runs. */
  worker(): Promise<WorkerFigures>
  /** null where there is none. Rejects while it is away. */
  gate(): Promise<RoleFigures | null>
  /** Bytes; undefined when it runs elsewhere. */
  supervisorMemory(): Promise<number | undefined>
  /** What this process uses. */
  own(): RoleFigures
}

export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger, TypeBoxTypeProvider>
