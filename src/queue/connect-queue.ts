import type { Queue as BullQueue } from 'bullmq'
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
  const bull = new WhenNeeded(async () => {
    const { Queue } = await import('./bullmq.ts')
    const queue = new Queue<Job>(queueName, { connection, prefix: keys.prefix, skipVersionCheck: true })
    return queue.on('error', (error) => log.debug({ error: error.message }, 'queue connection failed'))
  })
  const add = async (job: Job): Promise<unknown> =>
    (await bull.get()).add(job.kind, job, { ...identity(job), removeOnComplete: true, removeOnFail: true })
  const count = async (): Promise<Record<string, number>> =>
    (await bull.get()).getJobCounts('waiting', 'active', 'delayed')

  return {
    async enqueue(job) {
      await inTime(add(job))
    },
    async cancel(buildId) {
      await inTime(connection.publish(keys.cancel, buildId))
    },
    async expect(appId) {
      bull.get().catch(() => undefined) // whoever needs it says why there is none
      await inTime(connection.publish(keys.expect, appId)).catch((error: unknown) =>
        log.debug({ err: error }, 'not sent'),
      )
    },
    async figures() {
      const [jobs, memory] = await inTime(Promise.all([count(), connection.info('memory')]))
      return { jobs, memory: Number(/^used_memory_rss:(\d+)/m.exec(memory)?.[1] ?? 0) }
    },
    async [Symbol.asyncDispose]() {
      await bull.made?.close()
      connection.disconnect()
    },
  }
}

/**
 * BullMQ's queue, with its library, from the first call on: a server to which nobody pushes does
 * without the 3 MiB. A push says that it comes while git still receives it, so it need not wait.
 */
class WhenNeeded {
  made: BullQueue<Job> | undefined
  readonly #make: () => Promise<BullQueue<Job>>
  #making: Promise<BullQueue<Job>> | undefined

  constructor(make: () => Promise<BullQueue<Job>>) {
    this.#make = make
  }

  async get(): Promise<BullQueue<Job>> {
    this.#making ??= this.#make()
    try {
      this.made = await this.#making
      return this.made
    } catch (cause) {
      this.#making = undefined // as without free descriptors: the next call tries again
      throw cause
    }
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
