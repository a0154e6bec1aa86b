import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parseOptions, usage, type SoakOptions } from './options.ts'
import { reportSoak } from './report.ts'
import { setStage } from './stage.ts'
import { Tally } from './tally.ts'
import { watch } from './watch.ts'
import { work } from './work.ts'

/**
 * `npm run soak`: a server of its own under load on loopback for a while. Exits with 1 when something was lost, or grew by more than
 * `growth` says, and with 2 when it is called wrongly; removes all it made. Ctrl-C ends it early, with its report.
 */

/** More than a push, a drain and the last log lines take on a busy machine, milliseconds. */
const patience = 180_000

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort())

try {
  process.exitCode = (await soak(parseOptions(process.argv.slice(2)), stop.signal)) ? 0 : 1
} catch (cause) {
  if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause
  process.stderr.write(`${cause.message}\n${usage}\n`)
  process.exitCode = 2
}

/** @returns whether all was well */
async function soak(options: SoakOptions, stopped: AbortSignal): Promise<boolean> {
  process.stderr.write(`soak: a server with ${options.apps} apps, ${options.minutes} minutes\n`)
  await using stage = await setStage(options)
  const tally = new Tally()
  const end = AbortSignal.any([stopped, AbortSignal.timeout(options.minutes * 60_000)])
  const all = Promise.all([watch({ stage, tally, options }, end), work({ stage, tally, options }, end)])
  const [samples] = await Promise.race([all, hungAfter(end)])
  return reportSoak(samples, tally)
}

/** Rejects some minutes after `end`: whatever still waits then waits for a server that hangs. */
async function hungAfter(end: AbortSignal): Promise<never> {
  if (!end.aborted) await once(end, 'abort')
  await delay(patience, undefined, { ref: false })
  throw new Error(`what was under way at the end is not done ${patience / 60_000} minutes later`)
}
