import { addAbortSignal, type Readable, type Writable } from 'node:stream'
import { type Header, forEachEntry, type TarEntry } from '../tar.ts'
import { openTarball, placeOf, invalidTarball, showName, tooMuch, unreadable } from '../source/tarball.ts'
import { PaasError } from '../errors.ts'
import { startGit } from './git-command.ts'
import type { SourceLimits } from '../model/source.ts'

/** A file in the pack that is being made: its mode in git's tree, and the mark of its content. */
type File = { mode: '100644' | '100755' | '120000'; mark: number }

/** The branch of a repository made for this that the commit is on. */
export const importedRef = 'refs/heads/source'

/**
 * Directories inside each other, and bytes of a path, as `inspectTree` has them: looked at here
 * before they cost anything.
 */
const deepest = 100
const longestPath = 1024

/**
 * Makes a tarball a commit in `repository`, an empty one: nothing is unpacked on the host, every
 * entry goes straight into git's objects. What the tree as a whole may not have is `inspectTree`'s
 * to find.
 * @throws source_invalid for what is no tarball, or holds what cannot be deployed
 */
export async function importTarball(
  repository: string,
  tarball: Readable,
  { limits, message }: { limits: SourceLimits; message: string },
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController()
  // Large files are stored as they come instead of being held in memory to find similar ones.
  const settings = ['core.bigFileThreshold=1m', 'core.compression=1', 'fastimport.unpackLimit=0']
  const argv = [...settings.flatMap((setting) => ['-c', setting]), 'fast-import', '--quiet', '--done']
  const git = startGit(repository, argv, AbortSignal.any([signal, ending.signal]))
  git.stdout.resume()
  try {
    const tar = addAbortSignal(signal, openTarball(tarball, limits))
    const files = await writeFiles(git.stdin, tar, limits)
    if (files.size === 0) throw invalidTarball('it has no files')
    await write(git.stdin, commitOf(withoutWrapper(files), message))
    git.stdin.end()
    await git.done
  } catch (cause) {
    ending.abort(cause)
    await git.done.catch(() => undefined)
    signal.throwIfAborted()
    throw cause instanceof PaasError ? cause : unreadable(cause)
  }
}

async function writeFiles(git: Writable, tar: Readable, limits: SourceLimits): Promise<Map<string, File>> {
  const files = new Map<string, File>()
  let bytes = 0
  let entries = 0
  await forEachEntry(tar, async (entry) => {
    const { name, size, type, mode, linkname } = entry.header
    bytes += size
    entries += 1
    if (entries > limits.sourceFiles) throw tooMuch(`has more than ${limits.sourceFiles} entries`)
    if (bytes > limits.sourceBytes) throw tooMuch(`has files of more than ${limits.sourceBytes / 2 ** 20} MiB`)
    const place = placeOf(name)
    if (place.kind === 'left out' || type === 'directory') return
    checkPath(place.path)
    const mark = entries
    if (type === 'file' || type === 'contiguous-file') {
      await writeBlob(git, { mark, size, content: entry })
      files.set(place.path, { mode: mode & 0o100 ? '100755' : '100644', mark })
    } else if (type === 'symlink') {
      const target = Buffer.from(linkname ?? '')
      await write(git, Buffer.concat([blobHead(mark, target.length), target, newline]))
      files.set(place.path, { mode: '120000', mark })
    } else files.set(place.path, linked(files, { name, type, linkname }))
  })
  return files
}

/** A hard link is one more name of a file that came before. */
function linked(files: Map<string, File>, { name, type, linkname }: Pick<Header, 'name' | 'type' | 'linkname'>) {
  if (type !== 'link') throw invalidTarball(`${showName(name)} is a ${type ?? 'thing of an unknown kind'}, not a file`)
  const place = placeOf(linkname ?? '')
  const target = place.kind === 'file' ? files.get(place.path) : undefined
  if (!target || target.mode === '120000') {
    throw invalidTarball(
      `${showName(name)} is a link to ${showName(linkname ?? '')}, which is not an earlier file of the archive`,
    )
  }
  return target
}

function checkPath(path: string): void {
  if (Buffer.byteLength(path) > longestPath)
    throw invalidTarball(`the path ${showName(path)} has more than ${longestPath} bytes`)
  if (path.split('/').length > deepest)
    throw invalidTarball(`${showName(path)} is nested deeper than ${deepest} directories`)
}

/**
 * Archives of a whole repository, as Git hosts make them, have all files in one directory of its
 * name.
 */
function withoutWrapper(files: Map<string, File>): Map<string, File> {
  const roots = new Set(
    [...files.keys()].map((path) => (path.includes('/') ? path.slice(0, path.indexOf('/') + 1) : '')),
  )
  const [root = ''] = roots
  if (roots.size !== 1 || root === '') return files
  return new Map([...files].map(([path, file]) => [path.slice(root.length), file]))
}

/** The commands of git-fast-import(1). The same files under the same name are the same commit. */
function commitOf(files: Map<string, File>, message: string): Buffer {
  const lines = [...files].map(([path, { mode, mark }]) => {
    checkAncestors(files, path)
    return `M ${mode} :${mark} ${quote(path)}\n`
  })
  const text = Buffer.from(message)
  const head = `commit ${importedRef}\ncommitter paas <paas@localhost> 0 +0000\ndata ${text.length}\n`
  return Buffer.concat([Buffer.from(head), text, Buffer.from(`\n${lines.join('')}\ndone\n`)])
}

/**
 * A name that is a file, or a symbolic link, and a directory as well: unpacked, what follows would
 * be written through it.
 */
function checkAncestors(files: Map<string, File>, path: string): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const ancestor = path.slice(0, end)
    if (files.has(ancestor))
      throw invalidTarball(`${showName(ancestor)} is both a file and the directory of ${showName(path)}`)
  }
}

async function writeBlob(
  git: Writable,
  { mark, size, content }: { mark: number; size: number; content: TarEntry },
): Promise<void> {
  await write(git, blobHead(mark, size))
  for await (const chunk of content) await write(git, chunk as Buffer)
  await write(git, newline)
}

const newline = Buffer.from('\n')

function blobHead(mark: number, size: number): Buffer {
  return Buffer.from(`blob\nmark :${mark}\ndata ${size}\n`)
}

/** Waits while git is behind; one that ended is found out when its end is waited for. */
async function write(git: Writable, bytes: Buffer): Promise<void> {
  if (git.destroyed) throw new PaasError('internal', 'git fast-import ended before its input did.')
  if (git.write(bytes)) return
  const { promise, resolve } = Promise.withResolvers<void>()
  git.once('drain', resolve).once('close', resolve)
  await promise
  git.off('drain', resolve).off('close', resolve)
}

/** C-style quoting: bytes that act in the commands are octal. */
function quote(path: string): string {
  // oxlint-disable-next-line no-control-regex
  const escaped = path.replace(/["\\\u0000-\u001f\u007f]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
  return `"${escaped}"`
}
