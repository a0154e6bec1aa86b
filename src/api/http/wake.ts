import type { FastifyReply } from 'fastify'
import type { Logger } from '../../log.ts'
import type { Job } from '../../model/job.ts'
import type { Queue } from '../../queue/queue.ts'
import { warn } from './warn.ts'

/**
 * Wakes the worker for what the database already says. Without Redis the request still succeeds:
 * the worker looks at the database by itself, only later, and the answer says so in a Warning
 * header.
 */
export async function wake(
  { queue, log }: { queue: Pick<Queue, 'enqueue'>; log: Logger },
  reply: FastifyReply,
  job: Job,
): Promise<void> {
  try {
    await queue.enqueue(job)
  } catch (cause) {
    log.error({ err: cause, job }, 'recorded, but the worker could not be woken')
    warnOfDelay(reply)
  }
}

export function warnOfDelay(reply: FastifyReply): void {
  warn(reply, 'Accepted. The queue (Redis) does not answer, so it will be done later.')
}
