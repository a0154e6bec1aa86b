import { availableParallelism, totalmem } from 'node:os'

/** What more than this many carry is for an operator to measure. */
const most = 16

type Machine = {
  processors: number
  /** Bytes that there are, or that this process may have of them. */
  memory: number
}

/**
 * How many processes the router is unless it is set: as many as there are processors, but none more
 * than GiB of memory, since each takes about 20 MiB while idle. Machines with fewer than four
 * processors have one for each two: builds and databases want the others. Decision 164.
 */
export function usualRouterProcesses({ processors, memory }: Machine = thisMachine()): number {
  const wanted = processors < 4 ? Math.floor(processors / 2) : Math.min(processors, Math.round(memory / 2 ** 30))
  return Math.min(Math.max(1, wanted), most)
}

function thisMachine(): Machine {
  // 0 is without a limit: https://nodejs.org/api/process.html#processconstrainedmemory
  return { processors: availableParallelism(), memory: Math.min(totalmem(), process.constrainedMemory() || Infinity) }
}
