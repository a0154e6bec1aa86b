import { spawnSync } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  openSync,
  lchownSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, posix } from 'node:path'
import { inRoot, makeDirectory, ownerOf, statOf, superuser, type Owner } from './paths.ts'
import type { Copy } from './stages.ts'

/** Copies what a step names from one root directory to another. */
export function copy(step: Copy, { from, root }: { from: string; root: string }): void {
  const owner = step.owner === undefined ? undefined : ownerOf(root, step.owner)
  const found = step.sources.flatMap((source) => matching(from, source))
  const intoDirectory = step.destination.endsWith('/') || found.length > 1
  for (const { path: source, name } of found) {
    const isDirectory = statSync(source).isDirectory()
    const at = inRoot(root, step.destination)
    const inside = !isDirectory && (intoDirectory || statOf(at)?.isDirectory() === true)
    const path = inside ? posix.join(step.destination, name) : step.destination
    makeDirectory(root, isDirectory ? path : dirname(path), owner ?? superuser)
    const target = inside ? join(inRoot(root, dirname(path)), basename(path)) : inRoot(root, path)
    if (isDirectory)
      copyInto(
        target,
        readdirSync(source).map((name) => join(source, name)),
        step,
        owner,
      )
    else copyFile(source, target, step, owner)
  }
}

/** Copies files and trees into a directory. */
function copyInto(directory: string, sources: string[], step: Copy, owner: Owner | undefined): void {
  for (const source of sources) clearWay(source, join(directory, basename(source)))
  for (let at = 0; at < sources.length; at += mostAtOnce) {
    cp(step, [`--target-directory=${directory}`, '--', ...sources.slice(at, at + mostAtOnce)])
  }
  for (const source of sources) settle(source, join(directory, basename(source)), step, owner)
}

function copyFile(source: string, target: string, step: Copy, owner: Owner | undefined): void {
  clearWay(source, target)
  cp(step, ['--no-target-directory', '--', source, target])
  settle(source, target, step, owner)
}

/** Arguments of a program. */
const mostAtOnce = 1000

function cp({ from }: Copy, argv: string[]): void {
  const kept = from === undefined ? 'mode,timestamps' : 'mode,ownership,timestamps,links,xattr'
  const options = ['--recursive', '--no-dereference', '--remove-destination', `--preserve=${kept}`]
  const { status, stderr } = spawnSync('cp', [...options, ...argv])
  if (status !== 0) throw new Error(stderr.toString().trim())
}

/** What is there and of another kind goes. */
function clearWay(source: string, target: string): void {
  const there = statOf(target)
  if (!there) return
  const isDirectory = statOf(source)?.isDirectory() ?? false
  if (isDirectory !== there.isDirectory()) rmSync(target, { recursive: true })
  else if (isDirectory) for (const name of readdirSync(source)) clearWay(join(source, name), join(target, name))
}

/** Returns what was copied the owner and mode that are asked for. */
function settle(source: string, target: string, { mode }: Copy, owner: Owner | undefined): void {
  if (mode === undefined && owner === undefined) return
  const stat = statOf(source)
  if (owner) lchownSync(target, owner.uid, owner.gid)
  if (mode !== undefined && !stat?.isSymbolicLink()) chmodSync(target, mode)
  if (!stat?.isDirectory()) return
  for (const name of readdirSync(source)) settle(join(source, name), join(target, name), { mode } as Copy, owner)
}

type Match = { path: string; /** What it was called, where links led elsewhere. */ name: string }

/**
 * The files that a name with `*` and `?` stands for.
 * @throws as the general builder does, when there are none
 */
function matching(root: string, source: string): Match[] {
  const clean = posix.join('/', source)
  let found = ['/']
  for (const part of clean.split('/').filter(Boolean)) {
    found = found.flatMap((directory) => {
      if (!/[*?]/.test(part)) return [posix.join(directory, part)]
      const here = inRoot(root, directory)
      if (!statOf(here)?.isDirectory()) return []
      const names = readdirSync(here).filter((name) => fits(name, part))
      return names.toSorted().map((name) => posix.join(directory, name))
    })
  }
  const matches = found.map((path) => ({ path: inRoot(root, path), name: basename(path) }))
  const there = matches.filter(({ path }) => statOf(path))
  if (there.length === 0) throw new Error(`copier: stat: "${clean}": no such file or directory`)
  return there
}

/**
 * Goes back to the last asterisk only, so that no pattern takes more steps than both lengths
 * multiplied.
 */
function fits(name: string, pattern: string): boolean {
  let [at, place, star, mark] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[place] === '*') [star, mark, place] = [place, at, place + 1]
    else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === name[at]))
      [at, place] = [at + 1, place + 1]
    else if (star >= 0) [at, mark, place] = [mark + 1, mark + 1, star + 1]
    else return false
  }
  while (pattern[place] === '*') place += 1
  return place === pattern.length
}

/** Of all that a copy takes over of these files. */
export function contentOf(root: string, sources: string[]): string {
  const hash = createHash('sha256')
  const add = (path: string, name: string): void => {
    const stat = statOf(path)
    if (!stat) return
    hash.update(`${JSON.stringify(name)} ${stat.mode} `)
    if (stat.isSymbolicLink()) hash.update(JSON.stringify(readlinkSync(path)))
    else if (stat.isDirectory()) for (const one of readdirSync(path).toSorted()) add(join(path, one), `${name}/${one}`)
    else if (stat.isFile()) addFile(hash.update(`${stat.size} `), path)
  }
  for (const source of sources) for (const { path, name } of matching(root, source)) add(path, name)
  return hash.digest('hex')
}

/** Piece by piece: a build may have less memory than a file is long. */
function addFile(hash: Hash, path: string): void {
  const piece = Buffer.allocUnsafe(1 << 20)
  const file = openSync(path, 'r')
  try {
    for (let length; (length = readSync(file, piece)) > 0;) hash.update(piece.subarray(0, length))
  } finally {
    closeSync(file)
  }
}
