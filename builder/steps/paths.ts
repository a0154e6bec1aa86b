import { lstatSync, mkdirSync, chownSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { posix } from 'node:path'

/** As many links may lie on a path (path_resolution(7)). */
const mostLinks = 40

/**
 * Where a path of a root file system lies outside of it. Links lead where they lead in there, the
 * last one as well.
 */
export function inRoot(root: string, path: string): string {
  const waiting = parts(path)
  let done = '/'
  for (let links = 0; waiting.length > 0;) {
    const next = posix.join(done, waiting.shift() ?? '')
    if (!statOf(root + next)?.isSymbolicLink()) {
      done = next
      continue
    }
    if (++links > mostLinks) throw new Error(`${path}: too many levels of symbolic links`)
    const target = readlinkSync(root + next)
    if (target.startsWith('/')) done = '/'
    waiting.unshift(...parts(target))
  }
  return done === '/' ? root : root + done
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}

export function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** Makes what is missing of a directory. @returns what it made, from the top down */
export function makeDirectory(root: string, path: string, { uid, gid }: Owner): string[] {
  let made = '/'
  const all: string[] = []
  for (const part of parts(path)) {
    made = posix.join(made, part)
    const real = inRoot(root, made)
    if (statOf(real)) continue
    mkdirSync(real, { mode: 0o755 })
    chownSync(real, uid, gid)
    all.push(real)
  }
  return all
}

export type Owner = { uid: number; gid: number; groups: number[]; home: string | undefined }

export const superuser: Owner = { uid: 0, gid: 0, groups: [0], home: '/root' }

/** What `USER` or `--chown` says, by the lists of users and groups in the root file system. */
export function ownerOf(root: string, text: string): Owner {
  const [user = '', group] = text.split(':')
  const byName = linesOf(root, '/etc/passwd').find(([name, , id]) => (/^\d+$/.test(user) ? id === user : name === user))
  const uid = /^\d+$/.test(user) ? Number(user) : user === '' ? 0 : Number(byName?.[2] ?? Number.NaN)
  if (Number.isNaN(uid)) throw new Error(`unknown user ${user}`)
  const groups = linesOf(root, '/etc/group')
  const gid = group === undefined || group === '' ? Number(byName?.[3] ?? 0) : idOfGroup(groups, group)
  const name = byName?.[0]
  const further = groups.filter(([, , , members = '']) => name !== undefined && members.split(',').includes(name))
  const home = byName?.[5] || (uid === 0 ? '/root' : undefined)
  return { uid, gid, groups: group === undefined ? [gid, ...further.map(([, , id]) => Number(id))] : [gid], home }
}

function idOfGroup(groups: string[][], group: string): number {
  if (/^\d+$/.test(group)) return Number(group)
  const found = groups.find(([name]) => name === group)?.[2]
  if (found === undefined) throw new Error(`unknown group ${group}`)
  return Number(found)
}

function linesOf(root: string, path: string): string[][] {
  const file = inRoot(root, path)
  if (!statOf(file)?.isFile()) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
}
