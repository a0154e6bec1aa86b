import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { PaasError } from '../errors.ts'

/**
 * Bytes that must be free before a push is taken: a small build, its slug and the database fit in.
 */
export const leastFree = 512 * 2 ** 20
/**
 * Files that must be possible before a push is taken: git keeps up to 100 objects of one as a file
 * each.
 */
const leastFiles = 1000

/**
 * @returns how many bytes may be written there before fewer than `least` are free
 * @throws disk_full when fewer than `least` bytes, or too few inodes, are free where `directory`
 *   lies
 */
export async function checkDiskSpace(directory: string, least = leastFree): Promise<number> {
  const { bavail, bsize, files, ffree } = await statfs(directory)
  const free = bavail * bsize
  const [have, need] = [free, least].map((bytes) => Math.floor(bytes / 2 ** 20))
  if (free < least) throw full(`${have} MiB left and needs ${need} MiB to take a push`)
  // A file system that makes inodes on demand, such as btrfs, reports 0 of 0.
  if (files > 0 && ffree < leastFiles) {
    throw full(`inodes for ${ffree} files left and needs ${leastFiles} to take a push (df -i)`)
  }
  return free - least
}

/** The error for a push of more than that. */
export function noDiskSpaceFor(spare: number): PaasError {
  return full(`room for a push of ${Math.floor(spare / 2 ** 20)} MiB at most`)
}

/** Bytes of all files in a directory and below; what is not there is 0. */
export async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(gone([]))
  const sizes = await Promise.all(
    entries.map((entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? bytesBelow(path) : bytesOfFile(path)
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function bytesOfFile(path: string): Promise<number> {
  return stat(path).then(({ size }) => size, gone(0))
}

function full(why: string): PaasError {
  const hint = 'Ask the operator of the server to free some space.'
  return new PaasError('disk_full', `The server's disk has ${why}.`, { hint })
}

function gone<T>(instead: T): (cause: NodeJS.ErrnoException) => T {
  return (cause) => {
    if (cause.code === 'ENOENT') return instead
    throw cause
  }
}
