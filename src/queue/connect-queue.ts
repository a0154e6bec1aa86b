import { Queue as BullQueue } from './bullmq.ts'
import { PaasError } from '../errors.ts'
import type { Job } from '../model/job.ts'
import type { Queue } from './queue.ts'
import { connectRedis, keysOf, type RedisDeps } from '../redis.ts'

/** The one BullMQ queue of a server. */
export const queueName = 'jobs'

/** How long a caller waits for Redis, in milliseconds. */
const patience = 2000

/**
 * The api's side of the queue. BullMQ's `add` waits forever while Redis is away, so every call has
 * a limit; a job that arrives after its caller gave up only wakes the worker once more.
 */
export function connectQueue({ redis, serverId, log }: RedisDeps): Queue {
  const keys = keysOf(serverId)
  const connection = connectRedis({ redis, log }, { maxRetriesPerRequest: 1 })
  const queue = new BullQueue<Job>(queueName, { connection, prefix: keys.prefix, skipVersionCheck: true })
  queue.on('error', (error) => log.debug({ error: error.message }, 'queue connection failed'))

  return {
    async enqueue(job) {
      await inTime(queue.add(job.kind, job, { ...identity(job), removeOnComplete: true, removeOnFail: true }))
    },
    async cancel(buildId) {
      await inTime(connection.publish(keys.cancel, buildId))
    },
    async expect(appId) {
      await inTime(connection.publish(keys.expect, appId)).catch((error: unknown) =>
        log.debug({ err: error }, 'not sent'),
      )
    },
    async figures() {
      const [jobs, memory] = await inTime(
        Promise.all([queue.getJobCounts('waiting', 'active', 'delayed'), connection.info('memory')]),
      )
      return { jobs, memory: Number(/^used_memory_rss:(\d+)/m.exec(memory)?.[1] ?? 0) }
    },
    async [Symbol.asyncDispose]() {
      await queue.close()
      connection.disconnect()
    },
  }
}

/**
 * A build is queued once, however often it is asked for. Other jobs are never merged: one that is
 * added while its like runs must run again, since that one has read the database already.
 */
function identity(job: Job): { jobId?: string } {
  return job.kind === 'build' ? { jobId: `build-${job.buildId}` } : {}
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience)
  try {
    return await Promise.race([work, late])
  } catch (cause) {
    throw new PaasError('queue_unavailable', 'The queue (Redis) does not answer.', { cause })
  } finally {
    clearTimeout(timer)
    work.catch(() => undefined)
  }
}
