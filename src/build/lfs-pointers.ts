import type { Header } from '../tar.ts'

/**
 * The specification of Git LFS: a pointer has fewer than 1024 bytes, and this line is its first.
 */
const fewerThan = 1024
const firstLine = Buffer.from('version https://git-lfs.github.com/spec/v1\n')

/** False for what need not be read. */
export function mayBeLfsPointer({ type, size }: Pick<Header, 'type' | 'size'>): boolean {
  return type === 'file' && size > firstLine.length && size < fewerThan
}

export function isLfsPointer(content: Buffer): boolean {
  return content.subarray(0, firstLine.length).equals(firstLine)
}

/** One sentence, and what to do. */
export function describeLfsPointers(paths: readonly string[]): string {
  const [first = '', ...more] = paths
  const also = more.length > 0 ? ` (and ${more.length} more)` : ''
  return (
    `${first} is a Git LFS pointer${also}: the app gets the pointer, not the file. Remove its line from .gitattributes, ` +
    'run git add --renormalize . and commit, or have the build download it.'
  )
}
