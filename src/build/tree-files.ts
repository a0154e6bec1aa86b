import { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import type { Owner } from '../model/app-user.ts'
import { NotPlain, ownedTar, type PlainEntry } from './owned-tar.ts'
import { checkName, count, inApp, pathIn } from './slug.ts'

/** What the tars of a tree turned out to be once they were read to their end. */
export type TreeFacts = { bytes: number; files: number }

/**
 * The files of a tree, a layer of images, out of the tar that the packs kept of it
 * (buildpacks/lib/tree.sh), which they are as long as: the rules for a slug hold. A tar of whose
 * entries one is not where it says fails with build_failed. Chunks of the tar are changed, and
 * `facts` is added to.
 */
export function treeFiles(
  tar: AsyncIterable<Buffer>,
  { slugBytes, owner, facts }: { slugBytes: number; owner: Owner; facts: TreeFacts },
): Readable {
  const keep = (entry: PlainEntry): boolean => {
    checkPlace(entry)
    if (entry.kind === 'other') return false
    count(facts, entry.size, slugBytes)
    return true
  }
  return Readable.from(explained(ownedTar(tar, owner, keep)), { objectMode: false })
}

/** @throws build_failed, NotPlain */
function checkPlace({ name, kind, linkname }: PlainEntry): void {
  const path = pathIn(name)
  const isThere = path !== undefined && inApp(path) === name.replace(/\/$/, '')
  if (!isThere || (kind === 'link' && inApp(pathIn(linkname) ?? '') !== linkname)) throw new NotPlain(name)
  checkName(path)
}

async function* explained(files: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* files
  } catch (cause) {
    if (!(cause instanceof NotPlain)) throw cause
    throw unreadableTree(cause)
  }
}

/** A build forged it, or something removed it. */
export function unreadableTree(cause?: unknown): PaasError {
  return new PaasError('build_failed', 'build failed: what it kept of its dependencies could not be read', {
    hint: 'The lines above may say why. Push again, or with an empty build cache: git push -o no-cache.',
    cause,
  })
}
