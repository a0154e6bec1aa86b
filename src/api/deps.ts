import type { FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { Repositories } from '../git/repositories.ts'
import type { Logger } from '../log.ts'
import type { AppLogReader } from '../logs/app-log.ts'
import type { OutputReader, Queue } from '../queue/queue.ts'
import type { PlatformLog } from '../release/platform-log.ts'
import type { Store } from '../store/store.ts'

/** What the resources are made of; each takes the parts it uses. */
export type ApiDeps = {
  config: Pick<Config, 'publicUrl' | 'domain'>
  store: Store
  queue: Queue
  engine: Pick<Engine, 'listDynos'>
  repositories: Pick<Repositories, 'resolve' | 'keep' | 'release'>
  output: OutputReader
  platformLog: Pick<PlatformLog, 'api'>
  appLog: AppLogReader
  log: Logger
}

export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger, TypeBoxTypeProvider>
