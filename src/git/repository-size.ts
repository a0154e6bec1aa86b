import { join } from 'node:path'
import { PaasError } from '../errors.ts'
import { bytesBelow } from '../source/disk-space.ts'
import { startGit } from './git-command.ts'

/**
 * What nothing leads to is kept this long: a push or an import that is in progress may have brought
 * it.
 */
const pruneBefore = '1.hour.ago'

/**
 * Bytes that may still come into a repository. One that has more than half of what it may have is
 * tidied up first.
 * @throws repository_full
 */
export async function roomIn(repository: string, most: number, signal: AbortSignal): Promise<number> {
  const present = await bytesOfRepository(repository)
  if (present <= most / 2) return most - present
  await collectGarbage(repository, signal)
  const left = most - (await bytesOfRepository(repository))
  if (left > 0) return left
  throw noRoomFor(0, most)
}

/** The error for more than there is room for. */
export function noRoomFor(room: number, most: number): PaasError {
  const [left, limit] = [room, most].map((bytes) => Math.floor(Math.max(0, bytes) / 2 ** 20))
  return new PaasError(
    'repository_full',
    `The app's repository has room for ${left} MiB; the limit is ${limit} MiB in total.`,
  )
}

/** In a git whose end is waited for; if another one is at it already, that one is left to it. */
export async function collectGarbage(repository: string, signal: AbortSignal): Promise<void> {
  const gc = startGit(repository, ['-c', 'pack.threads=1', 'gc', '--quiet', `--prune=${pruneBefore}`], signal)
  gc.stdin.end()
  gc.stdout.resume()
  await gc.done
}

/** Bytes of its packs and of everything else from clients; 0 without a repository. */
export function bytesOfRepository(repository: string): Promise<number> {
  return bytesBelow(join(repository, 'objects'))
}
