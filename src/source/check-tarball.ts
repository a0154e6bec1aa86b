import type { Readable } from 'node:stream'
import { forEachEntry } from '../tar.ts'
import { openTarball, invalidTarball, unreadable } from './tarball.ts'
import { PaasError } from '../errors.ts'
import type { SourceLimits } from '../model/source.ts'

/**
 * Whether this can be a tarball at all, by its first entry; the build finds other errors. Ends the
 * input.
 * @throws source_invalid
 */
export async function checkTarball(input: Readable, limits: SourceLimits): Promise<void> {
  const found = new Error('there is an entry')
  try {
    await forEachEntry(openTarball(input, limits), () => {
      throw found
    })
  } catch (cause) {
    if (cause === found) return
    throw cause instanceof PaasError ? cause : unreadable(cause)
  } finally {
    input.destroy()
  }
  throw invalidTarball('it has no files')
}
