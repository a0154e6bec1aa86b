import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PaasError } from '../errors.ts'
import { startGit } from './git-command.ts'
import { importedRef, importTarball } from './import-tarball.ts'
import type { TarballToImport } from '../model/repositories.ts'
import { noRoomFor, bytesOfRepository } from './repository-size.ts'
import type { SourceLimits } from '../model/source.ts'
import { inspectTree } from './tree.ts'

/** What the names of drafts begin with. */
export const draftPrefix = '.import-'
/** Milliseconds: far longer than any import takes. */
const longestImport = 24 * 3600_000

type Places = {
  /** The app's repository. */
  path: string
  /** A directory that is made for this, and goes with it. */
  draft: string
  keptRef: string
  limits: SourceLimits
  /** Bytes that the repository may grow by, of so many in all. */
  room: { left: number; most: number }
}

/**
 * Makes a tarball a commit beside the repository, looks at it, and only then takes it over, under a
 * ref of its own.
 * @throws source_invalid, and the tarball's own error
 */
export async function takeTarball(
  { path, draft, keptRef, limits, room }: Places,
  tarball: TarballToImport,
  signal: AbortSignal,
): Promise<string> {
  try {
    await removeLeftovers(draft)
    await mkdir(draft)
    await git(draft, ['init', '--bare', '--quiet', '--template=', '--initial-branch=source'], signal)
    await importTarball(draft, tarball.bytes, { limits, message: 'A tarball' }, signal)
    const commit = (await git(draft, ['rev-parse', importedRef], signal)).trim()
    await inspectTree(draft, commit, limits, signal).catch(aboutTarball)
    const size = await bytesOfRepository(draft)
    if (size > room.left) throw noRoomFor(room.left, room.most)
    tarball.grow(size)
    const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', draft, `+${importedRef}:${keptRef}`]
    await git(path, fetch, signal)
    return commit
  } finally {
    tarball.bytes.destroy()
    await rm(draft, { recursive: true, force: true })
  }
}

/**
 * What attempts left that were killed: an earlier one at this build, and those at builds that were
 * never taken up again.
 */
async function removeLeftovers(draft: string): Promise<void> {
  await rm(draft, { recursive: true, force: true })
  const directory = dirname(draft)
  for (const name of (await readdir(directory)).filter((entry) => entry.startsWith(draftPrefix))) {
    const path = join(directory, name)
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now())
    if (age > longestImport) await rm(path, { recursive: true, force: true })
  }
}

async function git(repository: string, argv: string[], signal: AbortSignal): Promise<string> {
  const command = startGit(repository, argv, signal)
  command.stdin.end()
  const answer = await text(command.stdout)
  await command.done
  return answer
}

function aboutTarball(cause: unknown): never {
  if (!(cause instanceof PaasError) || cause.code !== 'source_invalid') throw cause
  const message = cause.message.replace(/^The commit /, 'The tarball ')
  throw new PaasError('source_invalid', message, { hint: 'Include only what the app needs.', cause })
}
