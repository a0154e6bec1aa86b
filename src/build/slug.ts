import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import type { Header } from 'tar-stream'
import { PaasError } from '../errors.ts'
import { rewriteTar } from './tar.ts'
import { tenant } from './tenant.ts'

/** What the slug's tar turned out to be once it was read to its end. */
export type SlugFacts = { bytes: number; files: number; procfile: string | undefined }

const mostFiles = 500_000
const mostProcfileBytes = 1 << 20
const kinds = new Set<Header['type']>(['file', 'directory', 'symlink', 'link'])

/**
 * The files of a slug out of a tar of the build directory, as an engine gives it: names begin with the directory's own. All
 * becomes the tenant's, without set-uid and set-gid bits; devices, pipes and git's own files are left out. `facts` is filled
 * while the tar is read. The tar fails with slug_too_large beyond `slugBytes`.
 */
export function slugFiles(tar: Readable, slugBytes: number): { files: Readable; facts: SlugFacts } {
  const facts: SlugFacts = { bytes: 0, files: 0, procfile: undefined }
  const files = rewriteTar(tar, async (header, read) => {
    const name = inside(header.name)
    if (name === undefined || !kinds.has(header.type)) return undefined
    const linkname = linkOf(header)
    if (linkname === undefined) return undefined
    facts.bytes += header.size
    facts.files += 1
    if (facts.bytes > slugBytes) throw tooLarge(`${Math.round(slugBytes / 2 ** 20)} MiB`)
    if (facts.files > mostFiles) throw tooLarge(`${mostFiles} files`)
    if (name === 'Procfile' && header.type === 'file' && header.size <= mostProcfileBytes) {
      facts.procfile = (await read()).toString()
    }
    const { type, size, mtime, mode } = header
    return { name, type, size, mtime, linkname, mode: mode & 0o777, ...tenant }
  })
  return { files, facts }
}

/** A name relative to the build directory; undefined: not part of the slug. */
function inside(name: string): string | undefined {
  const path = posix.normalize(name.slice(name.indexOf('/') + 1)).replace(/\/$/, '')
  const isOutside = !name.includes('/') || /^(|\.|\.\.|\.\.\/.*|\/.*)$/s.test(path)
  return isOutside || /^\.git(modules$|$|\/)/.test(path) ? undefined : path
}

/** A symbolic link may say what it likes: it is followed only inside a dyno. A hard link's target has to be in the slug. */
function linkOf({ type, linkname }: Header): string | undefined {
  return type === 'link' ? inside(linkname) : (linkname ?? '')
}

function tooLarge(limit: string): PaasError {
  return new PaasError('slug_too_large', `The slug is over the limit of ${limit}.`, {
    hint: 'Take what is not needed to run out of git, or name it in .slugignore.',
  })
}
