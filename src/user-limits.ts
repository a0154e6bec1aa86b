import { readFile, writeFile } from 'node:fs/promises'
import type { Logger } from './log.ts'

/**
 * What the kernel counts by user for all of the machine, and charges to the memory of each
 * container as well (inotify(7)): there one container's limit holds it, here one would leave the
 * others of the same user nothing.
 */
const counted = ['/proc/sys/fs/inotify/max_user_instances', '/proc/sys/fs/inotify/max_user_watches']

const unlimited = 2 ** 31 - 1

/**
 * Leaves the containers' memory to limit it. The supervisor does so while it is root, the worker
 * where it runs by itself. Where it cannot be set, containers of one user can take these from each
 * other, and `log` is told.
 */
export async function liftUserLimits(log: Pick<Logger, 'warn'>): Promise<void> {
  for (const path of counted) {
    try {
      if (Number(await readFile(path, 'utf8')) < unlimited) await writeFile(path, String(unlimited))
    } catch (cause) {
      log.warn({ err: cause, path }, 'a limit for each user stays: containers of one user can take all of it')
    }
  }
}
