import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Way } from './as-user.ts'

const checkout = resolve(import.meta.dirname, '../..')

/**
 * The directories that keep other users from this code and a data directory: the topmost ones above
 * them that only their owner may pass, such as /root.
 */
export function findWay(dataDirectory: string): Way {
  const open = outermost([checkout, realpathSync(dataDirectory)])
  const closed = outermost(open.flatMap((path) => ancestorsOf(path).filter(isClosed)))
  return { open, closed }
}

/** Without paths that are inside another one. */
function outermost(paths: string[]): string[] {
  const all = [...new Set(paths)]
  return all.filter((path) => !all.some((other) => other !== path && path.startsWith(`${other}/`)))
}

function ancestorsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestorsOf(parent), parent]
}

function isClosed(path: string): boolean {
  return (statSync(path).mode & 0o001) === 0
}
