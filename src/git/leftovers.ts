import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../log.ts'

/**
 * Git's name for the directory in which a receive keeps what it was sent until all of it is checked
 * (git-receive-pack(1)).
 */
const quarantine = 'tmp_objdir-incoming-'

/** How a repository is named until all of it is there. */
export const newPrefix = '.new-'
/** Milliseconds after which nobody is making it any more; the worker may be. */
const longestMaking = 60_000

/**
 * Removes repositories that were half made when their process was killed, and what receives left
 * that were, as large as a push may be: git itself removes it after two days, if ever it tidies up.
 * To be called before the first receive; one whose api was killed cannot be accepted any more.
 * Never rejects.
 * @param directory where the repositories are
 */
export async function removeLeftovers(directory: string, log: Logger): Promise<void> {
  try {
    await removeHalfMade(directory)
    for (const repository of await readdir(directory)) {
      const objects = join(directory, repository, 'objects')
      const names = await readdir(objects).catch(() => [])
      for (const name of names.filter((entry) => entry.startsWith(quarantine))) {
        await rm(join(objects, name), { recursive: true, force: true })
        log.info({ repository, name }, 'removed what a killed receive left')
      }
    }
  } catch (cause) {
    log.warn({ err: cause }, 'what was left by what was killed is still there')
  }
}

async function removeHalfMade(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((entry) => entry.startsWith(newPrefix))) {
    const path = join(directory, name)
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > longestMaking) await rm(path, { recursive: true, force: true })
  }
}
