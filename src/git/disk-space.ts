import { statfs } from 'node:fs/promises'
import { PaasError } from '../errors.ts'

/** Bytes that must be free before a push is taken: a small build, its slug and the record fit in. */
export const leastFree = 512 * 2 ** 20

/** @throws disk_full when fewer than `least` bytes are free where `directory` lies */
export async function checkDiskSpace(directory: string, least = leastFree): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (free >= least) return
  const [have, need] = [free, least].map((bytes) => Math.floor(bytes / 2 ** 20))
  throw new PaasError('disk_full', `The server's disk has ${have} MiB left and needs ${need} MiB to take a push.`, {
    hint: 'Ask whoever runs the server to free some space.',
  })
}
