// prune.mjs DIRECTORY: removes from its node_modules what the app and its workspaces need for
// development only, and touches nothing else: npm looks again for versions of peers, Yarn 1 would
// take back what install scripts changed, Yarn from 2 on and Bun have no such command.
import { existsSync, lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { manifestOf, packagesBelow } from './tree.mjs'
import { workspaceDirectories } from './workspaces.mjs'

const root = realpathSync(process.argv[2])
const workspaces = workspaceDirectories(root, manifestOf(root)).map((path) => join(root, path))
const own = [...new Set([root, ...linkedIn(root), ...workspaces])]
const installed = own.flatMap((directory) => [...packagesBelow(directory)])
const needed = new Set()
for (const directory of own) need(directory)
for (const directory of installed) if (!needed.has(directory)) rmSync(directory, { recursive: true, force: true })
for (const directory of own) tidy(join(directory, 'node_modules'))

function need(directory) {
  const waiting = [directory]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (needed.has(next)) continue
    needed.add(next)
    waiting.push(...namesNeededBy(next).flatMap((name) => find(name, next)))
  }
}

/**
 * Peers are what the one who uses a package has to have; one that is marked optional it works
 * without.
 */
function namesNeededBy(directory) {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifestOf(directory)
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta?.[name]?.optional)
  return [...Object.keys(dependencies ?? {}), ...Object.keys(optionalDependencies ?? {}), ...peers]
}

/** Where Node.js finds a package: in the nearest node_modules on the way up. */
function find(name, from) {
  for (let at = from; at.startsWith(root); at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(candidate)) return [realpathSync(candidate)]
  }
  return []
}

/** Directories of the app that lie in node_modules as links: its workspaces. */
function linkedIn(directory) {
  const modules = join(directory, 'node_modules')
  const names = entriesOf(modules).flatMap((name) =>
    name.startsWith('@') ? entriesOf(join(modules, name)).map((inner) => join(name, inner)) : [name],
  )
  const links = names
    .map((name) => join(modules, name))
    .filter((path) => lstatSync(path).isSymbolicLink() && existsSync(path))
  const stored = join(root, 'node_modules') + sep
  return links
    .map((path) => realpathSync(path))
    .filter((path) => path.startsWith(root + sep) && !path.startsWith(stored))
}

/** Links to what is gone, and scopes that nothing is left of. */
function tidy(modules) {
  for (const name of entriesOf(modules)) {
    const path = join(modules, name)
    const holdsMore = name === '.bin' || name.startsWith('@')
    if (holdsMore) tidy(path)
    if (!existsSync(path) || (holdsMore && entriesOf(path).length === 0)) rmSync(path, { recursive: true })
  }
}

function entriesOf(directory) {
  return existsSync(directory) ? readdirSync(directory) : []
}
