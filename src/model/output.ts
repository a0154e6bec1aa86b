import type { BuildId, ReleaseId } from './ids.ts'

/** What is kept: of a build all that it prints, of a release what its command does. */
export type OutputId = BuildId | ReleaseId

/** Writes one build's output: to the Redis stream for those who watch, and to a file that stays. */
export interface OutputWriter extends AsyncDisposable {
  /** Whether an earlier attempt has written already. */
  readonly isContinued: boolean
  /**
   * `chunk` is clean UTF-8 text (see output/narrate). Never throws for a lost Redis: the file has
   * it.
   */
  write(chunk: string): void
  /** Marks the end; readers end after what was written. */
  end(): Promise<void>
}

/** Reads a build's output, live or kept, any number of times. */
export interface OutputReader {
  /**
   * Chunks from byte `offset` on, live until the build's end. `offset` of each chunk is where it
   * begins. Ends at the end of output; a reader that comes before the first byte waits for it.
   */
  read(id: OutputId, offset: number, signal: AbortSignal): AsyncIterable<{ offset: number; bytes: Buffer }>
  /** Whether anything was written, or its end was marked. */
  hasBegun(id: OutputId): boolean
}

/** Where builds write their output: one connection for all of them. */
export interface OutputWriters extends AsyncDisposable {
  /** Goes on where an earlier attempt of the build stopped. */
  open(id: OutputId): OutputWriter
  /**
   * Ends the output of a build that nobody runs; `lastWords` are added. Nothing happens if it has
   * ended already.
   */
  close(id: OutputId, lastWords?: string): Promise<void>
  /** Ends an output if it was begun, by somebody who cannot end it any more. */
  closeBegun(id: OutputId): Promise<void>
}
