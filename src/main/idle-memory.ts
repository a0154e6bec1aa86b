import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often it is looked at, milliseconds. */
const interval = 60_000
/** Share of the time in which something ran, under which a process counts as idle. */
const idleShare = 0.02
/** Bytes of heap that are worth a collection. */
const worthIt = 4 * 2 ** 20

/**
 * Collects all garbage and gives the pages back, whenever the process is idle after it did
 * something. V8 itself waits until the heap is full, so what only starting needed, about 10 MiB a
 * role, would stay for good.
 * @param serves visitors wait for it: nothing is collected before it has been idle for a while, and
 *   then in one pass of some 20 ms. Else it is collected now too, and thoroughly: compiled code
 *   that is not used goes as well, a quarter of the memory of a role with large libraries.
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
