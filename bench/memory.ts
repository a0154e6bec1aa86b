import { chmod, copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Row } from './table.ts'

/** MiB that a server may hold when it is idle. */
const most = 120
/** Milliseconds in which what only the start needed is given back, and what idle roles use is there again. */
const untilIdle = 75_000

/**
 * Memory of a process and all its descendants (the control plane with its Redis), in MiB: the sum of their
 * proportional set sizes, which counts a page that n processes share as 1/n in each (proc_pid_smaps(5)).
 */
export async function benchMemory(pid: number): Promise<Row[]> {
  await delay(untilIdle)
  const { total, rows } = await memoryOf(pid)
  const what = 'memory of the idle control plane with Redis'
  return [{ what, value: total, unit: 'MiB', target: `≤ ${most} MiB`, met: total <= most }, ...rows]
}

/** MiB, in all and of each process. */
export async function memoryOf(pid: number): Promise<{ total: number; rows: Row[] }> {
  const processes = await descendants(pid)
  const rows = await Promise.all(
    processes.map(async ({ pid: each, name }) => ({ what: `  ${name}`, value: await proportional(each), unit: 'MiB' })),
  )
  return { total: rows.reduce((sum, { value }) => sum + value, 0), rows }
}

/** A copy of Node.js that nothing else runs. */
export async function ownRuntime(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'paas-node-'))
  await chmod(directory, 0o755) // each role is a user of its own
  const path = join(directory, 'node')
  await copyFile(process.execPath, path)
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) }
}

type Process = { pid: number; parent: number; name: string }

async function descendants(root: number): Promise<Process[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = (await Promise.all(numbers.map(readProcess))).filter((one) => one !== undefined)
  const found = all.filter(({ pid }) => pid === root)
  for (const each of found) found.push(...all.filter(({ parent }) => parent === each.pid))
  return found
}

/** undefined: it ended while we looked. */
async function readProcess(pid: number): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
    const script = argv.find((argument) => /\.[jt]s$/.test(argument)) ?? argv[0] ?? ''
    return {
      pid,
      parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]),
      name: script.split('/').at(-1) ?? '',
    }
  } catch (cause) {
    if (['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined
    throw cause
  }
}

async function proportional(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024
}
