import type { AppId, BuildId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'

/** The api's side: wakes the worker. */
export interface Queue extends AsyncDisposable {
  /**
   * Resolves when Redis has the job; rejects with `queue_unavailable` within 2 s when it cannot.
   * The database stands either way.
   */
  enqueue(job: Job): Promise<void>
  /** Tells the worker that runs this build to stop it. Best effort: the database says so too. */
  cancel(buildId: BuildId): Promise<void>
  /**
   * Tells the worker that a build of this app will come in a moment, if all goes well. Never
   * rejects: nothing depends on it.
   */
  expect(appId: AppId): Promise<void>
  /** Rejects with `queue_unavailable` like `enqueue`. */
  figures(): Promise<QueueFigures>
}

/** Jobs by BullMQ's states, and the memory of Redis in bytes. */
export type QueueFigures = { jobs: Record<string, number>; memory: number }
