import type { OutputLine } from '../engine.ts'
import type { KeptOutput } from './kept-output.ts'
import type { Place } from './place.ts'

/**
 * How long a line that was followed may wait until it is looked whether others were left out,
 * milliseconds.
 */
const longestUnverified = 30_000

/**
 * Returns lines as they are written. Docker 20.10 reads a file again from its begin after it
 * continued to it, and leaves files out when it is slower than the dyno: what came already is left
 * out here, and what is missing is found by the next whole reading.
 * @returns `ended` when the engine ended it, since the process did; `enough` when it is time for a
 *   whole reading
 */
export async function* followLog(log: KeptOutput, place: Place): AsyncGenerator<OutputLine, 'ended' | 'enough'> {
  const stop = new AbortController()
  const tail = place.isAtStart ? 'all' : place.tail
  let timer: NodeJS.Timeout | undefined
  let known = 0
  place.begin({ whole: tail === 'all' })
  try {
    for await (const line of log.lines({ tail, follow: true }, stop.signal)) {
      if (place.isNew(line)) {
        place.follow(line)
        yield line
        timer ??= setTimeout(() => stop.abort(), longestUnverified)
      } else if (!place.isFound && ++known > place.tail) {
        return 'enough'
      }
      if (place.isFull) return 'enough'
    }
    return stop.signal.aborted ? 'enough' : 'ended'
  } finally {
    clearTimeout(timer)
  }
}
