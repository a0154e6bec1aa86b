import { readFile } from 'node:fs/promises'
import { readLock } from '../lock.ts'

/** Bytes of a page on every machine this runs on; proc_pid_statm(5) counts in pages. */
const page = 4096

/**
 * Resident memory of the supervisor, in bytes: it has no socket, but its pid stands in its lock.
 * @returns undefined when none runs on this machine, as where each role has a container
 */
export async function supervisorMemory(lock: string): Promise<number | undefined> {
  try {
    const pid = readLock(lock)
    if (!/^\d+$/.test(pid)) return undefined
    return Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]) * page
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
