import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type koffi from 'koffi'

type SystemCalls = { trim: (pad: number) => number; advise: (from: bigint, length: bigint, advice: number) => number }
let calls: SystemCalls | undefined

/** madvise(2) */
const dontNeed = 4

/**
 * Returns to the system what malloc holds free anywhere in its heap (malloc_trim(3)): by itself it
 * returns the end alone, which one small block in use can keep.
 */
export function trimMalloc(): void {
  calls ??= findCalls()
  calls?.trim(0)
}

/**
 * Takes the pages of Node's program out of this process. They stay in the page cache, from which
 * one that is used again comes back in microseconds; of the rest the kernel may make use.
 */
export function leaveProgram(): void {
  calls ??= findCalls()
  for (const { from, length } of calls ? programMappings(readFileSync('/proc/self/smaps', 'latin1')) : []) {
    calls?.advise(from, length, dontNeed)
  }
}

type Mapping = { from: bigint; length: bigint }

/**
 * What of the program may be left: only what nobody can write, with no page that differs from the
 * file. A part that the linker wrote is read-only later, and would be lost.
 * @param smaps as in proc_pid_smaps(5)
 */
export function programMappings(smaps: string, program = process.execPath): Mapping[] {
  return partsOf(smaps).flatMap((part) => {
    const [, from = '', to = '', path] = /^([\da-f]+)-([\da-f]+) r-[x-]p \S+ \S+ \d+ +(.+)/.exec(part) ?? []
    const isAsInFile = /^Anonymous: +0 kB$/m.test(part) && /^Swap: +0 kB$/m.test(part)
    if (path !== program || !isAsInFile) return []
    const start = BigInt(`0x${from}`)
    return [{ from: start, length: BigInt(`0x${to}`) - start }]
  })
}

/** Each mapping begins with a line of addresses. */
function partsOf(smaps: string): string[] {
  const parts: string[] = []
  for (const line of smaps.split('\n')) {
    if (/^[\da-f]+-/.test(line)) parts.push(line)
    else if (parts.length > 0) parts.push(`${parts.pop()}\n${line}`)
  }
  return parts
}

/**
 * koffi without its JavaScript, which takes six times as much memory as its native part (1.2 and
 * 0.2 MiB). undefined where there is none: the C library may lack a call, or the process has no
 * descriptors left to load it with. That costs memory and ends no role.
 */
function findCalls(): SystemCalls | undefined {
  try {
    const at = `../../node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`
    const loaded: { exports: Partial<typeof koffi> } = { exports: {} }
    process.dlopen(loaded, resolve(import.meta.dirname, at))
    const library = loaded.exports.load?.(null)
    if (!library) return undefined
    return {
      trim: library.func('int malloc_trim(size_t pad)') as SystemCalls['trim'],
      advise: library.func('int madvise(uint64_t from, size_t length, int advice)') as SystemCalls['advise'],
    }
  } catch {
    return undefined
  }
}
