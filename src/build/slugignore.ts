import { MatchingEffort } from './matching-effort.ts'
import { PathPattern } from './path-pattern.ts'

type Rule = { pattern: PathPattern; isForDirectories: boolean; isForNames: boolean }

/**
 * What a `.slugignore` leaves out of a slug: patterns as in gitignore(5), but for those that begin
 * with `!`, which are not read (Heroku's rule). Files come after the directories they are in.
 */
export function slugignore(text: string): (path: string, isDirectory: boolean) => boolean {
  const rules = text.split(/\r?\n/).flatMap(ruleOf)
  const effort = new MatchingEffort('.slugignore')
  const directories = new Map<string, boolean>()
  const isIgnored = (path: string, isDirectory: boolean): boolean => {
    const slash = path.lastIndexOf('/')
    if (slash > 0 && isIgnoredDirectory(path.slice(0, slash))) return true
    const name = path.slice(slash + 1)
    return rules.some(
      ({ pattern, isForDirectories, isForNames }) =>
        (isDirectory || !isForDirectories) && pattern.matches(isForNames ? name : path, effort),
    )
  }
  const isIgnoredDirectory = (path: string): boolean => {
    const known = directories.get(path) ?? isIgnored(path, true)
    directories.set(path, known)
    return known
  }
  return (path, isDirectory) => (isDirectory ? isIgnoredDirectory(path) : isIgnored(path, false))
}

function ruleOf(line: string): Rule[] {
  if (line.startsWith('#') || line.startsWith('!')) return []
  const text = withoutBlanks(line)
  const isForDirectories = text.endsWith('/')
  const path = isForDirectories ? text.slice(0, -1) : text
  if (path === '') return []
  const pattern = new PathPattern(insideOf(path.replace(/^\//, '')))
  return [{ pattern, isForDirectories, isForNames: !path.includes('/') }]
}

/** Blanks at the end count only behind a backslash. */
function withoutBlanks(line: string): string {
  let end = line.length
  while (line[end - 1] === ' ' && line[end - 2] !== '\\') end -= 1
  return line.slice(0, end)
}

/** `a/**` is all that is in `a`, and not `a` itself; what is deeper lies in that. */
function insideOf(path: string): string {
  return path.endsWith('/**') ? path.slice(0, -1) : path
}
