import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../log.ts'

/** Git's name for the directory in which a receive keeps what it was sent until all of it is checked (git-receive-pack(1)). */
const quarantine = 'tmp_objdir-incoming-'

/**
 * Removes what receives left that were killed, as large as a push may be: git itself removes it after two days, if ever it tidies up. To be
 * called before the first receive; one whose api was killed cannot be accepted any more. Never rejects.
 * @param directory where the repositories are
 */
export async function removeQuarantines(directory: string, log: Logger): Promise<void> {
  try {
    for (const repository of await readdir(directory)) {
      const objects = join(directory, repository, 'objects')
      const names = await readdir(objects).catch(() => [])
      for (const name of names.filter((entry) => entry.startsWith(quarantine))) {
        await rm(join(objects, name), { recursive: true, force: true })
        log.info({ repository, name }, 'removed what a killed receive left')
      }
    }
  } catch (cause) {
    log.warn({ err: cause }, 'what killed receives left is still there')
  }
}
