import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { trimMalloc } from './trim-malloc.ts'

/** A process counts as idle below this share of busy time. */
const idleShare = 0.02
/** Bytes that a process must hold more than before to be worth a collection. */
const worthIt = { whereVisitorsWait: 4 * 2 ** 20, elsewhere: 2 ** 20 }

/**
 * Collects garbage and returns the pages whenever the process becomes idle after work. V8 alone
 * waits until the heap is full, and would keep what only the start needed: about 10 MiB a role.
 * @param serves visitors wait for this process, which a collection stops for some 30 ms: it is
 *   collected only after it has been idle for a while, otherwise also now
 * @param interval milliseconds between two checks
 */
export function keepMemoryLow({ serves, interval = 60_000 }: { serves: boolean; interval?: number }): Disposable {
  if (!serves) collect()
  const least = serves ? worthIt.whereVisitorsWait : worthIt.elsewhere
  let [floor, utilization] = [serves ? 0 : (heldBytes() ?? 0), performance.eventLoopUtilization()]
  const giveBack = async (): Promise<void> => {
    collect()
    await trimMalloc()
    floor = heldBytes() ?? floor
  }
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const share = performance.eventLoopUtilization(now, utilization).utilization
    utilization = now
    if (share <= idleShare && (heldBytes() ?? 0) - floor >= least) void giveBack()
  }, interval).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * Not the size of the heap: V8 also keeps pages that it has taken out of the heap.
 * @returns undefined when it cannot be read, as in a process without free descriptors
 */
function heldBytes(): number | undefined {
  try {
    return process.memoryUsage.rss()
  } catch {
    return undefined
  }
}

/**
 * `last-resort` also drops compiled code that is not used, a quarter of the memory of a role with
 * large libraries, and pages that V8 keeps for later, which an ordinary collection leaves.
 *
 * `gc` is only there behind a flag. Set at the start, it would make the compiled code in Node's
 * cache useless.
 */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
