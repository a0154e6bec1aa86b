import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { sayNote } from './terminal.ts'
import type { Users } from './users.ts'

/**
 * Where the target is a directory: gives the worker the part of it where backups of add-ons go. The
 * rest, the backups of the server, stays closed to it.
 */
export function giveTarget({ backup }: Pick<Config, 'backup'>, { worker }: Users): void {
  if (!backup?.repository.startsWith('/')) return
  const { repository } = backup
  const own = join(repository, 'dumps')
  try {
    mkdirSync(own, { recursive: true, mode: 0o700 })
    chownSync(own, worker.uid, worker.gid)
    chmodSync(repository, statSync(repository).mode | 0o011)
    const closed = directoriesAbove(own).find((path) => (statSync(path).mode & 0o001) === 0)
    if (closed === undefined) return
    sayNote('backup', `add-ons cannot be backed up: ${closed} is closed to the worker's user. chmod o+x ${closed}`)
  } catch (cause) {
    sayNote('backup', `the backup target ${repository} cannot be used: ${(cause as Error).message}`)
  }
}

function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...directoriesAbove(parent), parent]
}
