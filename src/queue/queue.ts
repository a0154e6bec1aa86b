import type { AppId, BuildId } from '../model/ids.ts'
import type { Job } from '../model/job.ts'
import type { OutputId } from './output-files.ts'

/** The api's side: wakes the worker. */
export interface Queue extends AsyncDisposable {
  /** Resolves when Redis has the job; rejects with `queue_unavailable` within 2 s when it cannot. The record stands either way. */
  enqueue(job: Job): Promise<void>
  /** Tells the worker that runs this build to stop it. Best effort: the record says so too. */
  cancel(buildId: BuildId): Promise<void>
  /** Tells the worker that a build of this app will come in a moment, if all goes well. Never rejects: nothing depends on it. */
  expect(appId: AppId): Promise<void>
  /** Rejects with `queue_unavailable` like `enqueue`. */
  figures(): Promise<QueueFigures>
}

/** Jobs by BullMQ's states, and the memory of Redis in bytes. */
export type QueueFigures = { jobs: Record<string, number>; memory: number }

/** Writes one build's output: to the Redis stream for those who watch, and to a file that stays. */
export interface OutputWriter extends AsyncDisposable {
  /** Whether an earlier attempt has written already. */
  readonly isContinued: boolean
  /** `chunk` is clean UTF-8 text (see build/output). Never throws for a lost Redis: the file has it. */
  write(chunk: string): void
  /** Marks the end; readers end after what was written. */
  end(): Promise<void>
}

/** Reads a build's output, live or kept, any number of times. */
export interface OutputReader {
  /**
   * Chunks from byte `offset` on, live until the build's end. `offset` of each chunk is where it begins.
   * Ends at the end of output; a reader that comes before the first byte waits for it.
   */
  read(id: OutputId, offset: number, signal: AbortSignal): AsyncIterable<{ offset: number; bytes: Buffer }>
  /** Whether anything was written, or its end was marked. */
  hasBegun(id: OutputId): boolean
}
