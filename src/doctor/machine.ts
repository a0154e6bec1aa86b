import { existsSync, readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { findingsOf } from './findings.ts'
import type { Finding } from '../model/finding.ts'
import { output } from './run.ts'

const gibibyte = 2 ** 30

/** Of the file system that a directory is on. */
type FileSystemUsage = { free: number; total: number; freeInodes: number; inodes: number }

export async function usageOf(path: string): Promise<FileSystemUsage> {
  if (!existsSync(path)) return usageOf(dirname(path)) // it is made by the first start
  const { bavail, blocks, bsize, ffree, files } = await statfs(path)
  return { free: bavail * bsize, total: blocks * bsize, freeInodes: ffree, inodes: files }
}

/** @param what `data`, `Docker`: whose it is */
export function judgeDisk(what: string, path: string, { free, total, freeInodes, inodes }: FileSystemUsage): Finding {
  const disk = findingsOf('disk')
  const is = `${what} (${path}) has ${gib(free)} free of ${gib(total)}`
  const advice = 'See what is large with: paas disk; docker system df. See docs/operations.md, "A full disk".'
  // Where pushes are refused (git/receive, build/disk-room).
  if (free < gibibyte) return disk.bad(is, advice)
  // Some file systems have no fixed number of inodes, and say 0.
  if (inodes > 0 && freeInodes < 1_000) return disk.bad(`${is}, but only ${freeInodes} inodes`, advice)
  if (free < 5 * gibibyte || free < total / 20) return disk.warning(is, advice)
  if (inodes > 0 && freeInodes < inodes / 20) return disk.warning(`${is}, but only ${freeInodes} inodes`, advice)
  return disk.good(is)
}

export function findMemory(): Finding {
  return judgeMemory(readFileSync('/proc/meminfo', 'utf8'), cpus().length)
}

/** @param meminfo proc_meminfo(5) */
export function judgeMemory(meminfo: string, processors: number): Finding {
  const memory = findingsOf('memory')
  const bytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)?.[1]) * 1024
  const [total, available, swap] = [bytes('MemTotal'), bytes('MemAvailable'), bytes('SwapTotal')]
  const is = `${gib(available)} free of ${gib(total)}, ${gib(swap)} swap, ${processors} processors`
  const enlarge = 'Add memory or swap space, or scale apps down (paas ps:scale).'
  if (available < total / 20) return memory.bad(is, enlarge)
  if (total < gibibyte) return memory.warning(`${is}; a build may want 2 GiB`, enlarge)
  if (available < total / 10) return memory.warning(is, enlarge)
  return memory.good(is)
}

/** Certificates, backups and logs need the right time. */
export async function findClock(): Promise<Finding> {
  const clock = findingsOf('clock')
  const said = await output('timedatectl', ['show', '--property=NTPSynchronized', '--value'])
  const now = new Date().toISOString()
  if (said?.trim() === 'yes') return clock.good(`${now}, synchronised`)
  const advice = 'Install a time service: apt-get install systemd-timesyncd'
  if (said?.trim() === 'no') return clock.warning(`${now}, not synchronised with a time server`, advice)
  return clock.unknown(`${now}; nothing here says whether it is synchronised`)
}

function gib(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(1)} GiB`
}
