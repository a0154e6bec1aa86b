import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readRefs, setRefs, type Refs } from '../git/refs.ts'

/** Refs of each repository in a directory, by the repository's name. */
export async function readRepositoryRefs(directory: string, signal: AbortSignal): Promise<Record<string, Refs>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.git'))
  const found: Record<string, Refs> = {}
  for (const name of names) found[name] = await readRefs(join(directory, name), signal)
  return found
}

/**
 * Sets them as they were with the database: repositories are copied after it, and a push may have
 * come in between.
 */
export async function setRepositoryRefs(
  directory: string,
  refs: Record<string, Refs>,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, wanted] of Object.entries(refs)) await setRefs(join(directory, name), wanted, signal)
}
