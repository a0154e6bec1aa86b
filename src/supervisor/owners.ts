import { execFileSync } from 'node:child_process'
import { chmodSync, lchownSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Paths } from '../paths.ts'
import { unlessFull } from './old-places.ts'
import type { Users } from './users.ts'

type DataDirectory = Pick<Config, 'dataDirectory' | 'paths'>
type Owned = { path: string; uid: number; gid: number; mode: number }

/**
 * Gives each part of the data directory to the user that works on it. What an older version, or one
 * that ran as root, or a copy has left is taken over whole, which a look at a few directories
 * tells; else nothing is walked. The caller holds the directory's lock.
 */
export function giveToUsers(directory: DataDirectory, users: Users): void {
  const mark = markOf(directory)
  const text = `${JSON.stringify(users)}\n`
  const isTaken = isThere(mark) && readFileSync(mark, 'utf8') === text && !ranAsRootSince(directory, mark)
  for (const place of places(directory, users)) set(place)
  for (const tree of trees(directory.paths, users)) if (!isTaken || !isSet(tree)) takeOver(tree)
  for (const file of files(directory, users)) if (isThere(file.path)) set(file)
  if (isTaken) return
  unlessFull(() => writeFileSync(mark, text, { mode: 0o600 })) // else all is walked again
}

/** The file that names the users at the last takeover. */
export const markOf = ({ paths }: Pick<DataDirectory, 'paths'>): string => join(paths.run, 'users')

/**
 * Directories, with who may create files in them; users of those files may pass through. The sticky
 * bit keeps users from removing each other's files, and new files inherit the directory's group
 * (inode(7)).
 */
function places({ dataDirectory, paths }: DataDirectory, { api }: Users): Owned[] {
  const root = 0
  return [
    { path: dataDirectory, uid: root, gid: api.gid, mode: 0o3771 },
    { path: paths.run, uid: root, gid: api.gid, mode: 0o2711 },
  ]
}

/** Files in these trees belong to the user that may write there. */
function trees(paths: Paths, { router, api, worker, gate }: Users): Owned[] {
  return [
    { path: paths.runs.redis, uid: api.uid, gid: api.gid, mode: 0o2710 },
    { path: paths.runs.api, uid: api.uid, gid: router.gid, mode: 0o2710 },
    { path: paths.runs.worker, uid: worker.uid, gid: api.gid, mode: 0o2710 },
    { path: paths.runs.gate, uid: gate.uid, gid: worker.gid, mode: 0o2710 },
    { path: paths.runs.gateFigures, uid: gate.uid, gid: api.gid, mode: 0o2710 },
    { path: paths.runs.vault, uid: 0, gid: worker.gid, mode: 0o2710 },
    { path: paths.runs.meeting, uid: worker.uid, gid: router.gid, mode: 0o2710 },
    { path: paths.runs.figures, uid: router.uid, gid: router.gid, mode: 0o2710 },
    { path: paths.runs.router, uid: router.uid, gid: worker.gid, mode: 0o2710 },
    { path: paths.router, uid: router.uid, gid: router.gid, mode: 0o700 },
    { path: paths.tls, uid: router.uid, gid: router.gid, mode: 0o750 },
    { path: paths.redis, uid: api.uid, gid: api.gid, mode: 0o700 },
    { path: paths.repositories, uid: api.uid, gid: api.gid, mode: 0o2770 },
    { path: paths.sources, uid: api.uid, gid: api.gid, mode: 0o2770 },
    { path: paths.builds, uid: worker.uid, gid: api.gid, mode: 0o2770 },
    { path: paths.logs, uid: worker.uid, gid: router.gid, mode: 0o2770 },
    { path: paths.dumps, uid: worker.uid, gid: worker.gid, mode: 0o700 },
    { path: paths.pages, uid: worker.uid, gid: router.gid, mode: 0o2750 },
    { path: paths.metrics, uid: worker.uid, gid: router.gid, mode: 0o2770 },
  ]
}

/** The database: one file, and those that SQLite and its guards make beside it. */
function files({ paths }: DataDirectory, { api, worker }: Users): Owned[] {
  const record = ['', '-wal', '-shm', '-commits', '-sums'].map((end) => `${paths.database}${end}`)
  return [
    { path: paths.format, uid: 0, gid: 0, mode: 0o644 },
    { path: paths.lock, uid: 0, gid: api.gid, mode: 0o640 },
    { path: paths.key, uid: worker.uid, gid: api.gid, mode: 0o640 },
    ...record.map((path) => ({ path, uid: worker.uid, gid: api.gid, mode: 0o660 })),
  ]
}

/** An older version leaves files of root behind; its worker writes its pid here. */
function ranAsRootSince({ paths }: DataDirectory, mark: string): boolean {
  const lock = join(paths.run, 'role-worker.lock')
  return isThere(lock) && statSync(lock).mtimeMs > statSync(mark).mtimeMs
}

function isThere(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSymbolicLink()) throw new Error(`${path} is a symbolic link, which nobody of this server made`)
  return found !== undefined
}

function isSet({ path, uid, gid, mode }: Owned): boolean {
  const found = lstatSync(path)
  return found.uid === uid && found.gid === gid && (found.mode & 0o7777) === mode
}

function set(owned: Owned): void {
  const { path, uid, gid, mode } = owned
  if (isSet(owned)) return
  lchownSync(path, uid, gid)
  chmodSync(path, mode)
}

/**
 * The directory itself is changed last, so that an interrupted takeover is done again. Files that
 * are read-only for their owner stay so.
 */
function takeOver(tree: Owned): void {
  const { path, uid, gid, mode } = tree
  const below = [path, '-mindepth', '1']
  const isShared = (mode & 0o070) === 0o070
  execFileSync('find', [...below, '-exec', 'chown', '--no-dereference', `${uid}:${gid}`, '{}', '+'])
  if (isShared) {
    execFileSync('find', [...below, '!', '-type', 'l', '-exec', 'chmod', 'g=u,o=', '{}', '+'])
    execFileSync('find', [...below, '-type', 'd', '-exec', 'chmod', 'g+s', '{}', '+'])
  }
  set(tree)
}
