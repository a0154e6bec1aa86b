import { lstatSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { oldTable } from '../data-directory.ts'
import { isCode } from '../errors.ts'

type DataDirectory = Pick<Config, 'dataDirectory' | 'paths'>

/**
 * Moves the control socket that a router of an older version listens at to where this one looks for
 * it. Its own supervisor, and an older version that is started again, find it by the name it had.
 */
export function findOldRouter({ paths }: DataDirectory): void {
  const old = join(paths.run, 'router.sock')
  move(old, paths.routerSocket)
  if (!lstatSync(old, { throwIfNoEntry: false })) unlessFull(() => symlinkSync('router/control.sock', old))
}

/** The same for files, once no older server works on them. */
export function moveOldFiles({ dataDirectory, paths }: DataDirectory): void {
  const [table, key] = oldTable({ dataDirectory })
  move(table, paths.routingTable)
  move(key, paths.routingTableKey)
  for (const name of ['log-cursors.json', 'drain-cursors.json'])
    move(join(paths.run, name), join(paths.runs.worker, name))
}

function move(from: string, to: string): void {
  const found = lstatSync(from, { throwIfNoEntry: false })
  if (found && !found.isSymbolicLink()) renameSync(from, to)
}

/** Ignores a full disk, which must not keep a server from starting. */
export function unlessFull(write: () => void): void {
  try {
    write()
  } catch (cause) {
    if (!isCode(cause, 'ENOSPC', 'EDQUOT')) throw cause
  }
}
