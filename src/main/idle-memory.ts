import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { trimMalloc } from './trim-malloc.ts'

/** A process counts as idle below this share of busy time. */
const idleShare = 0.02
/** Bytes that a process must hold more than before to be worth a collection. */
const worthIt = { whereVisitorsWait: 4 * 2 ** 20, elsewhere: 2 ** 20 }
/** The same for what a collection left: the library for it takes 1.3 MiB. */
const worthTrimming = 2 * 2 ** 20

/** Taken away at once from whatever is loaded later. */
const { gc: given } = globalThis
Reflect.deleteProperty(globalThis, 'gc')

/**
 * Collects garbage and returns the pages whenever the process becomes idle after work. V8 alone
 * waits until the heap is full, and would keep what only the start needed: about 10 MiB a role.
 * @param serves visitors wait for this process, which a collection stops for some 30 ms: it is
 *   collected only after it has been idle for a while, otherwise also now
 * @param interval milliseconds between two checks
 */
export function keepMemoryLow({ serves, interval = 20_000 }: { serves: boolean; interval?: number }): Disposable {
  if (!serves) collect()
  const least = serves ? worthIt.whereVisitorsWait : worthIt.elsewhere
  let [floor, utilization] = [heldBytes() ?? 0, performance.eventLoopUtilization()]
  let trimmed = floor
  let isDue = true // the other processes of the server have started meanwhile
  const giveBack = async (): Promise<void> => {
    isDue = false
    collect()
    floor = heldBytes() ?? floor
    if (floor - trimmed < worthTrimming) return
    await trimMalloc()
    trimmed = floor = heldBytes() ?? floor
  }
  const check = (): void => {
    const now = performance.eventLoopUtilization()
    const share = performance.eventLoopUtilization(now, utilization).utilization
    utilization = now
    if (share <= idleShare && (isDue || (heldBytes() ?? 0) - floor >= least)) void giveBack()
  }
  const timer = setInterval(check, interval).unref()
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
 * large libraries, and pages that V8 keeps for later, which an ordinary collection leaves. Code
 * counts as not used when the second collection in a row finds it as the first left it.
 */
function collect(): void {
  const gc = given ?? exposed()
  for (let time = 0; time < 2; time++) gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** For a process that was started without --expose-gc: costs a context, 0.4 MiB. */
function exposed(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  return gc
}
