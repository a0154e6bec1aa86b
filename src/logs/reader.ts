import { isCode } from '../errors.ts'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AppLogReader, LogFilter, ReadLine } from '../model/app-log.ts'
import { findEnd, readLast } from './backlog.ts'
import { Follower } from './follow.ts'
import { parsePosition } from './position.ts'
import { listSegments, unlessNoFile } from './segments.ts'
import { DirectoryWatch } from './watch.ts'

/** @param directory `paths.logs` */
export function openAppLogReader({ directory }: { directory: string }): AppLogReader {
  return {
    read: (appId, filter, signal) => read(join(directory, appId), filter, signal),
    lag: (appId, position) => lag(join(directory, appId), position),
  }
}

async function* read(directory: string, filter: LogFilter, signal: AbortSignal): AsyncGenerator<ReadLine> {
  const matches = matcher(filter)
  await mkdir(directory, { recursive: true, mode: 0o770 })
  // Watching begins before the last read, so that nothing is missed between the two.
  using watch = new DirectoryWatch(directory, signal)
  try {
    if (filter.before !== undefined) {
      const end = parsePosition(filter.before)
      yield* await readLast(directory, { end, count: filter.lines, matches })
      return
    }
    const begin = filter.after === undefined ? await findEnd(directory) : parsePosition(filter.after)
    if (filter.after === undefined) yield* await readLast(directory, { end: begin, count: filter.lines, matches })
    if (!filter.follow && filter.after === undefined) return
    await using follower = await Follower.open(directory, begin)
    while (!signal.aborted) {
      for await (const line of follower.readOn()) {
        if (signal.aborted) return
        if (matches(line)) yield line
      }
      if (!filter.follow) return
      await watch.changed()
    }
  } catch (cause) {
    // The app was removed while its log was read, so the log ends here.
    if (!isCode(cause, 'ENOENT')) throw cause
  }
}

async function lag(directory: string, position: string): Promise<number> {
  const newest = (await listSegments(directory).catch(unlessNoFile))?.at(-1) ?? 0
  return newest - (parsePosition(position).at(-1)?.segment ?? newest)
}

function matcher({ source, process, text, since, until }: LogFilter): (line: ReadLine) => boolean {
  const wanted = text?.toLowerCase()
  return (line) =>
    (source === undefined || line.source === source) &&
    (process === undefined || line.process === process || line.process.startsWith(`${process}.`)) &&
    (wanted === undefined || line.text.toLowerCase().includes(wanted)) &&
    (since === undefined || line.time.getTime() >= since) &&
    (until === undefined || line.time.getTime() <= until)
}
