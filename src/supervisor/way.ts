import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Way } from './as-user.ts'

const checkout = resolve(import.meta.dirname, '../..')

/**
 * What keeps other users from this code and a data directory: those directories above them, the
 * topmost ones alone, that only their owner may pass, as /root is.
 */
export function findWay(dataDirectory: string): Way {
  const open = outermost([checkout, realpathSync(dataDirectory)])
  const closed = outermost(open.flatMap((path) => ancestorsOf(path).filter(isClosed)))
  return { open, closed }
}

/** Without those that are in another one. */
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
