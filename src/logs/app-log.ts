import type { AppId } from '../model/ids.ts'

/** One line of an app's log, in logplex form: `TIME source[process]: text`. */
export type LogLine = {
  time: Date
  /** `app`: what the app printed, and what users did; `heroku`: what the platform did. Heroku's own names, so its CLI colours them. */
  source: 'app' | 'heroku'
  /** `web.1`, `router`, `api`, … */
  process: string
  text: string
}

/** Appends to the apps' logs: files of bounded size in `paths.logs`, any process of the server may write. */
export interface AppLogWriter extends AsyncDisposable {
  /** Never blocks and never throws: what cannot be written is counted and said in the log. */
  write(appId: AppId, line: LogLine): void
  remove(appId: AppId): Promise<void>
}

export interface AppLogReader {
  /** The last `lines` lines that match, oldest first; then, with `follow`, new ones until the signal. */
  read(
    appId: AppId,
    filter: { lines: number; follow: boolean; source?: string; process?: string },
    signal: AbortSignal,
  ): AsyncIterable<LogLine>
}
