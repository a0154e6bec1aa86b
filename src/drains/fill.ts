import type { AppLogReader } from '../model/app-log.ts'
import type { Drain } from '../model/drain.ts'
import type { DrainBuffer } from './buffer.ts'

/** How far each drain has come, in positions of the app's log. */
export type Cursors = {
  get(id: string): string | undefined
  set(id: string, position: string): void
  keepOnly(ids: Set<string>): void
}

type FillDeps = { appLog: AppLogReader; cursors: Pick<Cursors, 'get'> }

/**
 * Between two looks at how far the log has gone: milliseconds while the reading waits, lines while
 * it must continue.
 */
const interval = { waiting: 100, reading: 256 }
/** Files of the log that may be newer than the one that is being read, of the four there are. */
const longestLag = 1

/**
 * Reads the app's log into the buffer of a drain until the signal. A new drain begins with what
 * comes now; one that is known, after the last line it has. While the buffer is full the log's
 * files hold the rest; when they are about to be removed the reading continues, and the buffer
 * drops and counts what no longer fits.
 */
export async function fill(
  { appLog, cursors }: FillDeps,
  { drain, buffer }: { drain: Drain; buffer: DrainBuffer },
  signal: AbortSignal,
): Promise<void> {
  const after = cursors.get(drain.id)
  const filter = { lines: 0, follow: true, ...(after === undefined ? {} : { after }) }
  let unlooked = 0
  try {
    for await (const line of appLog.read(drain.appId, filter, signal)) {
      while (buffer.isFull && unlooked === 0 && !signal.aborted) {
        const lag = await appLog.lag(drain.appId, line.position)
        if (lag > longestLag) unlooked = interval.reading
        else await buffer.room(interval.waiting)
      }
      buffer.push(line)
      unlooked = Math.max(0, unlooked - 1)
    }
  } finally {
    buffer.close()
  }
}
