import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How often it is looked at, milliseconds. */
const interval = 60_000
/** Share of the time in which something ran, under which a process counts as idle. */
const idleShare = 0.02
/** Bytes of heap that are worth a collection. */
const worthIt = 4 * 2 ** 20

/**
 * Collects all garbage now and gives the pages back; then again when the process is idle after it
 * did something. V8 itself waits until the heap is full, so what only starting needed, about 10 MiB
 * a role, would stay for good. Not for the router: a collection stops it for some 30 ms.
 */
export function keepMemoryLow(): Disposable {
  collect()
  let [floor, utilization] = [process.memoryUsage().heapTotal, performance.eventLoopUtilization()]
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const share = performance.eventLoopUtilization(now, utilization).utilization
    utilization = now
    if (share > idleShare || process.memoryUsage().heapTotal - floor < worthIt) return
    collect()
    floor = process.memoryUsage().heapTotal
  }, interval).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * `gc` is only there behind a flag. Set at the start, it would make the compiled code in Node's
 * cache useless.
 */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
