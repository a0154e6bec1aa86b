import { loadWithout } from '../load-without.ts'

/**
 * What BullMQ loads for jobs at times of a calendar and for queues in PostgreSQL, which we have
 * none of: 3 MiB of memory in worker and api each.
 */
const unused = ['cron-parser', './postgres']

export const { Queue, Worker } = await loadWithout(unused, () => import('bullmq'))
