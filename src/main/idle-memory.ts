import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Milliseconds between two checks. */
const interval = 60_000
/** A process counts as idle below this share of busy time. */
const idleShare = 0.02
/** Bytes by which the heap must have grown to be worth a collection. */
const worthIt = 4 * 2 ** 20

/**
 * Collects garbage and returns the pages whenever the process becomes idle after work. V8 alone
 * waits until the heap is full, and would keep what only the start needed: about 10 MiB a role.
 * @param serves visitors wait for this process: it is collected only after it has been idle for a
 *   while, in one pass of some 20 ms. Otherwise it is also collected now, and thoroughly: unused
 *   compiled code goes too, a quarter of the memory of a role with large libraries.
 */
export function keepMemoryLow({ serves }: { serves: boolean }): Disposable {
  const flavor = serves ? 'regular' : 'last-resort'
  if (!serves) collect(flavor)
  let [floor, utilization] = [serves ? 0 : process.memoryUsage().heapTotal, performance.eventLoopUtilization()]
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const share = performance.eventLoopUtilization(now, utilization).utilization
    utilization = now
    if (share > idleShare || process.memoryUsage().heapTotal - floor < worthIt) return
    collect(flavor)
    floor = process.memoryUsage().heapTotal
  }, interval).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * `gc` is only there behind a flag. Set at the start, it would make the compiled code in Node's
 * cache useless.
 */
function collect(flavor: 'regular' | 'last-resort'): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', execution: 'sync', flavor })
}
