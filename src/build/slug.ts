import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { type Header, rewriteTar, type NewHeader } from '../tar.ts'
import { PaasError } from '../errors.ts'
import type { Owner } from '../model/app-user.ts'
import { appDirectory } from './directories.ts'
import { layerNameProblem, whiteout } from '../source/layer-names.ts'
import { showName } from '../source/tarball.ts'

/** What the slug's tar turned out to be once it was read to its end. */
export type SlugFacts = { bytes: number; files: number; procfile: string | undefined }

const mostFiles = 500_000
const mostProcfileBytes = 1 << 20
/** The first file of a tar names what is gone of the layer below, each name NUL-ended. */
const goneFile = 'gone'
const mostGoneBytes = 8 << 20
const kinds = new Set<Header['type']>(['file', 'directory', 'symlink', 'link'])

/**
 * The files of a slug, a layer of its image, out of a tar of the build directory as an engine gives
 * it. All becomes the owner's, without set-uid and set-gid bits; devices, pipes and git's own files
 * are left out. `facts` is filled while the tar is read. The tar fails with slug_too_large beyond
 * `slugBytes`, of which the layers below have some.
 */
export function slugFiles(
  tar: Readable,
  { slugBytes, owner, bytesBelow = 0 }: { slugBytes: number; owner: Owner; bytesBelow?: number },
): { files: Readable; facts: SlugFacts } {
  const facts: SlugFacts = { bytes: bytesBelow, files: 0, procfile: undefined }
  const files = rewriteTar(tar, async (header, read, add) => {
    if (header.name === goneFile) {
      for (const entry of await whiteouts(header, read, owner)) add(entry)
      return undefined
    }
    const entry = slugEntry(header, owner)
    if (!entry) return undefined
    count(facts, header.size, slugBytes)
    const isProcfile = entry.name === inApp('Procfile') && entry.type === 'file' && header.size <= mostProcfileBytes
    if (isProcfile) facts.procfile = (await read()).toString()
    return entry
  })
  return { files, facts }
}

/** @throws build_failed */
async function whiteouts({ size }: Header, read: () => Promise<Buffer>, owner: Owner): Promise<NewHeader[]> {
  if (size > mostGoneBytes) {
    const most = `${mostGoneBytes / 2 ** 20} MiB`
    throw new PaasError('build_failed', `build failed: names of dependencies that it removed take more than ${most}`)
  }
  const paths = (await read()).toString().split('\0').map(pathIn)
  return paths.flatMap((path) => (path === undefined ? [] : whiteoutOf(path, owner)))
}

function whiteoutOf(path: string, owner: Owner): NewHeader {
  checkName(path)
  const name = inApp(posix.join(posix.dirname(path), `${whiteout}${posix.basename(path)}`))
  return { name, type: 'file', size: 0, mode: 0o600, ...owner }
}

function slugEntry(header: Header, owner: Owner): NewHeader | undefined {
  const { name, type, size, mtime, mode, linkname } = header
  if (isRoot(header)) return { name: appDirectory.slice(1), type, size, mtime, mode: 0o755, ...owner }
  const path = pathIn(name)
  // A symbolic link may point anywhere, since it is followed only inside a dyno. A hard link's
  // target must be in the slug.
  const target = type === 'link' ? pathIn(linkname) : linkname
  if (path === undefined || target === undefined || !kinds.has(type)) return undefined
  checkName(path)
  const link = type === 'link' ? inApp(target) : (target ?? '')
  return { name: inApp(path), type, size, mtime, linkname: link, mode: mode & 0o777, ...owner }
}

/** @throws build_failed */
export function checkName(path: string): void {
  const problem = layerNameProblem(path)
  if (problem === undefined) return
  throw new PaasError('build_failed', `build failed: it created the file ${showName(path)}, which ${problem}`, {
    hint: 'Rename it, or remove it at the end of the build.',
  })
}

/** The build directory itself. In the run image it is another's. */
function isRoot({ name, type }: Header): boolean {
  return type === 'directory' && /^[^/]+\/?$/.test(name)
}

/**
 * A path relative to the build directory, whose own name comes first in `name`; undefined: not part
 * of the slug.
 */
export function pathIn(name: string): string | undefined {
  const path = posix.normalize(name.slice(name.indexOf('/') + 1)).replace(/\/$/, '')
  const isOutside = !name.includes('/') || /^(|\.|\.\.|\.\.\/.*|\/.*)$/s.test(path)
  return isOutside || /^\.git(modules$|$|\/)/.test(path) ? undefined : path
}

/**
 * Docker refuses relative links that leave the directory it unpacks at, so that is the root:
 * `/app/x` may lead to `../usr`.
 */
export function inApp(path: string): string {
  return `${appDirectory.slice(1)}/${path}`
}

/** @throws slug_too_large */
export function count(facts: Pick<SlugFacts, 'bytes' | 'files'>, bytes: number, slugBytes: number): void {
  facts.bytes += bytes
  facts.files += 1
  if (facts.bytes > slugBytes) throw tooLarge(`${Math.round(slugBytes / 2 ** 20)} MiB`)
  if (facts.files > mostFiles) throw tooLarge(`${mostFiles} files`)
}

function tooLarge(limit: string): PaasError {
  return new PaasError('slug_too_large', `The slug is over the limit of ${limit}.`, {
    hint: 'Remove files that the app does not need from git, or list them in .slugignore.',
  })
}
