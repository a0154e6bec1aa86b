import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { layerNameProblem } from '../source/layer-names.ts'
import { PaasError } from '../errors.ts'
import type { SourceLimits } from '../model/source.ts'
import { startGit } from './git-command.ts'
import { checkSymlinks, type Symlink } from './symlinks.ts'
import { showName } from '../source/tarball.ts'
import { isGitDirectory, sameNameAs } from './tree-names.ts'

/**
 * Directories inside each other, and bytes of a path: far above any real app, far below what breaks
 * tools.
 */
const deepest = 100
const longestPath = 1024

type Entry = { mode: string; oid: string; size: number; path: string }

/**
 * Looks at every name of a commit's tree before any of it is exported.
 * @throws source_invalid naming the first thing that is refused
 */
export async function inspectTree(
  repository: string,
  commit: string,
  limits: SourceLimits,
  signal: AbortSignal,
): Promise<void> {
  const symlinks = await inspectEntries(repository, commit, limits, signal)
  if (symlinks.length > 0) await checkSymlinks(repository, symlinks, signal)
}

async function inspectEntries(
  repository: string,
  commit: string,
  limits: SourceLimits,
  signal: AbortSignal,
): Promise<Symlink[]> {
  // A tree of a few kilobytes may expand to billions of names, so the listing ends at the first
  // problem.
  const listing = new AbortController()
  const argv = ['ls-tree', '-r', '-t', '-l', '-z', '--full-tree', commit]
  const git = startGit(repository, argv, AbortSignal.any([signal, listing.signal]))
  git.stdin.end()
  try {
    const symlinks: Symlink[] = []
    const tally = new Tally(limits)
    for await (const entry of entriesOf(git.stdout)) {
      tally.add(entry)
      checkEntry(entry)
      if (entry.mode === '120000') symlinks.push(entry)
    }
    await git.done
    tally.finish()
    return symlinks
  } finally {
    listing.abort()
  }
}

/** `MODE TYPE OID SIZE<tab>PATH<nul>` (git-ls-tree(1)); the size is `-` for what is no file. */
async function* entriesOf(listing: Readable): AsyncGenerator<Entry> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of listing as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(0, start); end >= 0; start = end + 1, end = rest.indexOf(0, start)) {
      yield toEntry(rest.subarray(start, end))
    }
    rest = rest.subarray(start)
  }
}

function toEntry(record: Buffer): Entry {
  const tab = record.indexOf(9)
  const [mode = '', , oid = '', size = '-'] = record.toString('latin1', 0, tab).split(/ +/)
  const name = record.subarray(tab + 1)
  return {
    mode,
    oid,
    size: /^\d+$/.test(size) ? Number(size) : 0,
    path: name.toString(isUtf8(name) ? 'utf8' : 'latin1'),
  }
}

function checkEntry({ mode, path }: Entry): void {
  const names = path.split('/')
  if (mode === '160000') {
    throw refuse(`${showName(path)} is a submodule`, 'Submodules are not fetched: commit its files instead.')
  }
  if (names.length > deepest) throw refuse(`${showName(path)} is nested deeper than ${deepest} directories`)
  if (Buffer.byteLength(path) > longestPath)
    throw refuse(`the path ${showName(path)} has more than ${longestPath} bytes`)
  const problem = layerNameProblem(path)
  if (problem !== undefined) throw refuse(`${showName(path)} ${problem}`, 'Rename it.')
  const bad = names.find((name) => name === '' || name === '.' || name === '..' || isGitDirectory(name))
  if (bad !== undefined) throw refuse(`${showName(path)} contains the name ${showName(bad)}, which git reserves`)
}

/** Counts what a tree adds up to, and remembers names that would be one on another file system. */
class Tally {
  readonly #limits: SourceLimits
  readonly #names = new Map<string, string>()
  #bytes = 0

  constructor(limits: SourceLimits) {
    this.#limits = limits
  }

  add({ path, size }: Entry): void {
    const { sourceFiles, sourceBytes } = this.#limits
    this.#bytes += size
    if (this.#names.size >= sourceFiles) {
      throw refuse(`it has more than ${sourceFiles} files and directories`, 'Commit only what the app needs.')
    }
    if (this.#bytes > sourceBytes) {
      throw refuse(
        `its files have more than ${Math.floor(sourceBytes / 2 ** 20)} MiB`,
        'Commit only what the app needs.',
      )
    }
    const key = sameNameAs(path)
    const twin = this.#names.get(key)
    if (twin !== undefined)
      throw refuse(`${showName(twin)} and ${showName(path)} differ only in case`, 'Rename one of them.')
    this.#names.set(key, path)
  }

  finish(): void {
    if (this.#names.size === 0) throw refuse('it has no files', 'Commit the files of the app.')
  }
}

function refuse(problem: string, hint?: string): PaasError {
  return new PaasError(
    'source_invalid',
    `The commit cannot be deployed: ${problem}.`,
    hint === undefined ? {} : { hint },
  )
}
