// node_modules as it lies there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where package managers keep packages by version, and link to them. */
const stores = ['.pnpm', '.bun', '.deno']

/**
 * Directories of packages below a directory that has a node_modules, the store of pnpm, Bun or
 * Deno within it included; links are not followed.
 */
export function* packagesBelow(directory) {
  const modules = join(directory, 'node_modules')
  for (const name of directoriesIn(modules)) {
    if (stores.includes(name))
      for (const stored of directoriesIn(join(modules, name))) yield* packagesBelow(join(modules, name, stored))
    else if (name.startsWith('@'))
      for (const scoped of directoriesIn(join(modules, name))) yield* packageAt(join(modules, name, scoped))
    else if (!name.startsWith('.')) yield* packageAt(join(modules, name))
  }
}

function* packageAt(directory) {
  yield directory
  yield* packagesBelow(directory)
}

function directoriesIn(directory) {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
}

/** package.json of a package; empty when there is none that can be read. */
export function manifestOf(directory) {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8').replace(/^\uFEFF/, ''))
  } catch {
    return {}
  }
}
