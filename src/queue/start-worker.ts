import { Worker } from './bullmq.ts'
import type { Logger } from '../log.ts'
import type { AppId, BuildId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'
import { queueName } from './connect-queue.ts'
import { connectRedis, keysOf, type RedisDeps } from '../redis.ts'

export type WorkerHandlers = {
  /**
   * Runs a job to its end. The database decides what is still to be done, so a job may come twice.
   */
  run(job: Job): Promise<void>
  /** Somebody asked to stop this build. */
  cancel(buildId: BuildId): void
  /** A build of this app will come in a moment, if all goes well. */
  expect(appId: AppId): void
  /**
   * Redis is there, for the first time or again: whatever it forgot must be found in the database.
   */
  connected(): void
}

/**
 * Takes jobs off the queue until disposed of. BullMQ's defaults leave a dead worker's job alone for
 * a minute and fail it for good when it happens twice: here the lock is short and the database, not
 * BullMQ, decides when to give up.
 * @param concurrency how many jobs may be in progress; the handlers do their own limiting
 */
export function startWorker(deps: RedisDeps & { handlers: WorkerHandlers; concurrency: number }): AsyncDisposable {
  const { redis, serverId, handlers, concurrency, log } = deps
  const keys = keysOf(serverId)
  const connection = connectRedis({ redis, log }, { maxRetriesPerRequest: null })
  const subscriber = connectRedis({ redis, log: log.child({}, { level: 'error' }) })
  subscriber.on('message', (channel, id) => {
    if (channel === keys.cancel) handlers.cancel(id as BuildId)
    else handlers.expect(id as AppId)
  })
  subscriber
    .subscribe(keys.cancel, keys.expect)
    .catch((error: Error) => log.debug({ error: error.message }, 'channels failed'))
  connection.on('ready', () => handlers.connected())

  const worker = new Worker<Job>(queueName, (job) => handlers.run(job.data), {
    // An instance, so that a missing or foreign ioredis fails here and not in BullMQ's retry loop.
    connection,
    prefix: keys.prefix,
    concurrency,
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 1_000_000,
    runRetryDelay: 1_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    skipVersionCheck: true,
  })
  worker.on('error', quietly(log))
  worker.on('failed', (job, error) => log.error({ job: job?.data, err: error }, 'job failed'))

  return {
    async [Symbol.asyncDispose]() {
      await worker.close(true)
      subscriber.disconnect()
      connection.disconnect()
    },
  }
}

/** BullMQ reports every failed command; the loss of the connection is logged once elsewhere. */
function quietly(log: Logger): (error: Error) => void {
  return (error) => log.debug({ error: error.message }, 'worker connection failed')
}
