// The packages of a workspace.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Their directories, seen from the root: package.json or pnpm-workspace.yaml has the patterns. */
export function workspaceDirectories(root, manifest) {
  const { workspaces } = manifest
  const patterns = [workspaces?.packages ?? workspaces ?? pnpmPatterns(root)].flat().map(String)
  const options = { cwd: root, exclude: (path) => path.split('/').includes('node_modules') }
  const found = (some) => some.flatMap((pattern) => globSync(pattern.replace(/^\.\//, '').replace(/\/$/, ''), options))
  const left = new Set(found(patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))))
  const all = new Set(found(patterns.filter((pattern) => !pattern.startsWith('!'))))
  return [...all.difference(left)].filter((path) => existsSync(join(root, path, 'package.json')))
}

/** pnpm-workspace.yaml may as well hold nothing but settings. */
function pnpmPatterns(root) {
  const path = join(root, 'pnpm-workspace.yaml')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const [, inline] = /^packages:[ \t]*\[([^\]]*)\]/m.exec(text) ?? []
  if (inline !== undefined) return [...inline.matchAll(/[^\s"',]+/g)].map(([pattern]) => pattern)
  const [, list = ''] = /^packages:[ \t]*\r?\n((?:[ \t]*(?:#.*|-.*)?\r?\n?)*)/m.exec(text) ?? []
  return [...list.matchAll(/^[ \t]*-[ \t]*["']?([^"'#\r\n]+?)["']?[ \t]*(?:#.*)?\r?$/gm)].map(([, pattern]) => pattern)
}
