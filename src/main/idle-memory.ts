import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { leaveProgram, trimMalloc } from './given-back.ts'

/**
 * A process counts as idle below this share of a processor. Not of the time that its loop is busy:
 * on a busy machine that is mostly waiting for a processor.
 */
const idleShare = 0.02
/** Bytes that a process must hold more than before to be worth a collection. */
const worthIt = { whereVisitorsWait: 4 * 2 ** 20, elsewhere: 2 ** 20 }
/** The same for pages of files, of which it uses some more or less from check to check. */
const worthLeaving = 4 * 2 ** 20
/** Checks at which it is collected after its start, since the others start meanwhile. */
const startChecks = 2

/** Taken away at once from whatever is loaded later. */
const { gc: given } = globalThis
Reflect.deleteProperty(globalThis, 'gc')

/**
 * Collects garbage and returns the pages whenever the process becomes idle after work. V8 alone
 * waits until the heap is full, and would keep what only the start needed: about 10 MiB a role.
 * Pages of Node's program are left, too: the start touches 40 MiB of them, and an idle role 15.
 * @param serves visitors wait for this process, which a collection stops for some 30 ms: it is
 *   collected only after it has been idle for a while, otherwise also now
 * @param interval milliseconds between two checks
 */
export function keepMemoryLow({ serves, interval = 20_000 }: { serves: boolean; interval?: number }): Disposable {
  if (!serves) collect()
  const least = serves ? worthIt.whereVisitorsWait : worthIt.elsewhere
  let [since, used] = [performance.now(), process.cpuUsage()]
  let due = startChecks
  let own = held()?.own ?? 0
  /** What an idle process uses of files is known at the check after they were left. */
  let files: number | undefined
  const giveBack = (): void => {
    due -= 1
    collect()
    trimMalloc()
    leaveProgram()
    own = held()?.own ?? own
    files = undefined
  }
  const check = (): void => {
    const { user, system } = process.cpuUsage(used)
    const share = (user + system) / 1000 / (performance.now() - since)
    ;[since, used] = [performance.now(), process.cpuUsage()]
    const holds = held()
    if (share > idleShare || !holds) return
    files ??= holds.files
    if (due > 0 || holds.own - own >= least || holds.files - files >= worthLeaving) giveBack()
  }
  const timer = setInterval(check, interval).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * Bytes of memory, and of it what is in a file: proc_pid_status(5). Not the size of the heap: V8
 * also keeps pages that it has taken out of the heap.
 * @returns undefined when it cannot be read, as in a process without free descriptors
 */
function held(): { own: number; files: number } | undefined {
  try {
    const status = readFileSync('/proc/self/status', 'latin1')
    const bytes = (line: RegExp): number => 1024 * Number(line.exec(status)?.[1])
    return { own: bytes(/^RssAnon:\s+(\d+) kB/m), files: bytes(/^RssFile:\s+(\d+) kB/m) }
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
