import { eachTick } from './pace.ts'
import type { Tally } from './tally.ts'

const interval = 500
/** Milliseconds. The server closes a connection five seconds after what it told its client. */
const longest = 2_500
const aftermath = 5_000

/**
 * Notices when this process did not run for seconds, as on a machine with too much to do, until `signal`: its clients then write to connections
 * that they were told would be closed by now.
 */
export async function excuseHoldUps(tally: Tally, signal: AbortSignal): Promise<void> {
  let last = performance.now()
  await eachTick(interval, signal, () => {
    const now = performance.now()
    if (now - last > longest) {
      tally.excuse(aftermath)
      tally.did('hold-up of the soak')
    }
    last = now
  })
}
