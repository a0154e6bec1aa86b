import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join, posix } from 'node:path'
import { PathPattern } from '../../src/build/path-pattern.ts'

type Rule = { pattern: PathPattern; isException: boolean }

/**
 * Removes from a directory what its `.dockerignore` leaves out
 * (docs.docker.com/build/concepts/context, "dockerignore files").
 */
export function removeIgnored(directory: string, text: string): void {
  const rules = text.split(/\r?\n/).flatMap(ruleOf)
  if (rules.length === 0) return
  const hasExceptions = rules.some(({ isException }) => isException)
  const clear = (below: string, parents: string[]): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = posix.join(below, entry.name)
      const names = [path, ...parents]
      const ignored = isIgnored(names, rules)
      if (!entry.isDirectory() || (ignored && !hasExceptions)) {
        if (ignored) rmSync(join(directory, path), { recursive: true })
        continue
      }
      clear(path, names)
      if (ignored && readdirSync(join(directory, path)).length === 0) rmdirSync(join(directory, path))
    }
  }
  clear('', [])
}

/** The last rule that fits a path, or a directory it lies in, decides. */
function isIgnored(names: string[], rules: Rule[]): boolean {
  let ignored = false
  for (const { pattern, isException } of rules) {
    if (isException === ignored && names.some((name) => pattern.matches(name, unbounded))) ignored = !isException
  }
  return ignored
}

/** The build's time limit is the limit here. */
const unbounded = { spend: () => undefined }

function ruleOf(line: string): Rule[] {
  const text = line.trim()
  if (text === '' || line.startsWith('#')) return []
  const isException = text.startsWith('!')
  const path = posix
    .join('/', (isException ? text.slice(1) : text).trim())
    .replace(/\/$/, '')
    .slice(1)
  return path === '' ? [] : [{ pattern: new PathPattern(path), isException }]
}
