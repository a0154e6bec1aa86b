import type { AppId } from './ids.ts'

/** One line of an app's log, in logplex form: `TIME source[process]: text`. */
export type LogLine = {
  time: Date
  /**
   * `app`: what the app printed, and what users did; `heroku`: what the platform did. Heroku's own
   * names, so its CLI colours them.
   */
  source: 'app' | 'heroku'
  /** `web.1`, `router`, `api`, … */
  process: string
  text: string
}

/**
 * A line as it was read. `position` is where the log continues after it: give it as `after` to read
 * on from there.
 */
export type ReadLine = LogLine & { position: string }

/**
 * Appends to the apps' logs: files of bounded size in `paths.logs`, any process of the server may
 * write.
 */
export interface AppLogWriter extends AsyncDisposable {
  /** Never blocks and never throws: what cannot be written is counted and said in the log. */
  write(appId: AppId, line: LogLine): void
  remove(appId: AppId): Promise<void>
}

export type LogFilter = {
  /** How many of the last lines to begin with. */
  lines: number
  /** Whether to follow new lines until the signal. */
  follow: boolean
  source?: string
  /** A dyno (`web.1`) or all of a type (`web`). */
  process?: string
  /**
   * A `position`: begin there, not with the last `lines`. One that is not ours, or no longer kept,
   * begins with the oldest line.
   */
  after?: string
  /** A `position`: the last `lines` up to the line that ends there, and none that follow. */
  before?: string
  /** What a line has to have in its text, whatever the case of its letters. */
  text?: string
  /** Milliseconds since 1970: lines from then on, and up to then. */
  since?: number
  until?: number
}

export interface AppLogReader {
  /**
   * The last `lines` lines that match, oldest first; then, with `follow`, new ones until the signal
   * or the app is removed.
   */
  read(appId: AppId, filter: LogFilter, signal: AbortSignal): AsyncIterable<ReadLine>
  /**
   * How many newer files the log has than the one that the position is in; with four, that one is
   * gone.
   */
  lag(appId: AppId, position: string): Promise<number>
}
