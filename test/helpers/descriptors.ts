import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync, statSync } from 'node:fs'

/** Takes all file descriptors but `left` from a process that runs, until it is disposed of. */
export function leaveDescriptors(pid: number, left: number): Disposable {
  const usual = prlimit(pid, '--nofile', '--output=SOFT', '--noheadings').trim()
  prlimit(pid, `--nofile=${limitThatLeaves(pid, left)}:`)
  return { [Symbol.dispose]: () => void prlimit(pid, `--nofile=${usual}:`) }
}

/** As with 0 left; and what it closes meanwhile leaves it none either. */
export function leaveNoDescriptors(pid: number): Disposable {
  const usual = prlimit(pid, '--nofile', '--output=SOFT', '--noheadings').trim()
  prlimit(pid, '--nofile=0:')
  return { [Symbol.dispose]: () => void prlimit(pid, `--nofile=${usual}:`) }
}

/** How many a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** What a process has open, by path; without what it closes in the midst of the look. */
export function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).flatMap((fd) => {
    try {
      return [readlinkSync(`${directory}/${fd}`)]
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}

/** A new descriptor is the lowest number that is free, and lies below the limit. */
function limitThatLeaves(pid: number, left: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let limit = 0
  for (let free = 0; free < left || open.has(limit); limit++) if (!open.has(limit)) free++
  return limit
}

/** As the user of the process, since another one's limits take a right that containers rarely have (prlimit(2)). */
function prlimit(pid: number, ...argv: string[]): string {
  const { uid, gid } = statSync(`/proc/${pid}`)
  const user = process.getuid?.() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : []
  const [program = '', ...rest] = [...user, 'prlimit', '--pid', String(pid), ...argv]
  return execFileSync(program, rest, { encoding: 'utf8' })
}
