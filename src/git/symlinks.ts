import { text } from 'node:stream/consumers'
import { PaasError } from '../errors.ts'
import { startGit } from './git-command.ts'
import { showName } from '../source/tarball.ts'

export type Symlink = { path: string; oid: string; size: number }

/** PATH_MAX on Linux, with the closing NUL. */
const longestTarget = 4095
/** What Linux follows in one look-up before ELOOP (path_resolution(7)). */
const mostFollowed = 40

/**
 * Follows every symlink inside the tree, other symlinks on the way included.
 * @throws source_invalid for one whose way leads out of the tree at any point
 */
export async function checkSymlinks(repository: string, symlinks: Symlink[], signal: AbortSignal): Promise<void> {
  const long = symlinks.find(({ size }) => size > longestTarget)
  if (long) throw refuse(long.path, `has a target of more than ${longestTarget} bytes`)
  const targets = await readTargets(repository, symlinks, signal)
  for (const { path } of symlinks) {
    if (leaves(path, targets)) throw refuse(path, `points outside the app, to ${showName(targets.get(path) ?? '')}`)
  }
}

/**
 * `git cat-file --batch`: a line `OID TYPE SIZE`, the content, a newline; in the order asked for.
 */
async function readTargets(repository: string, symlinks: Symlink[], signal: AbortSignal): Promise<Map<string, string>> {
  const git = startGit(repository, ['cat-file', '--batch'], signal)
  git.stdin.end(symlinks.map(({ oid }) => `${oid}\n`).join(''))
  // A file's bytes as characters, so that sizes are positions.
  const answer = await text(git.stdout.setEncoding('latin1'))
  await git.done
  const targets = new Map<string, string>()
  let position = 0
  for (const { path, size } of symlinks) {
    const start = answer.indexOf('\n', position) + 1
    targets.set(path, Buffer.from(answer.slice(start, start + size), 'latin1').toString())
    position = start + size + 1
  }
  return targets
}

function leaves(path: string, targets: ReadonlyMap<string, string>): boolean {
  const place = path.split('/').slice(0, -1)
  const ahead = [...steps(targets.get(path) ?? '')]
  for (let followed = 1; ahead.length > 0;) {
    const step = ahead.shift() ?? ''
    if (step === '/' || (step === '..' && place.pop() === undefined)) return true
    if (step === '..') continue
    place.push(step)
    const target = targets.get(place.join('/'))
    if (target === undefined) continue
    if (++followed > mostFollowed) return false
    place.pop()
    ahead.unshift(...steps(target))
  }
  return false
}

/** The names of a path, `/` first when it is absolute; empty names and dots go nowhere. */
function steps(target: string): string[] {
  const names = target.split('/').filter((name) => name !== '' && name !== '.')
  return target.startsWith('/') ? ['/', ...names] : names
}

function refuse(path: string, problem: string): PaasError {
  return new PaasError(
    'source_invalid',
    `The commit cannot be deployed: the symbolic link ${showName(path)} ${problem}.`,
  )
}
