import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { extract } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import type { DockerDeps } from './client.ts'
import { tenantUser } from './host-config.ts'
import { readImage } from './images.ts'

/**
 * Bytes of an image's list of users that are read, and symbolic links on the way to it that are
 * followed.
 */
const longestList = 2 ** 20
const mostLinks = 5

/** Returns the user, `UID` or `UID:GROUP`, that the own command of an image runs as. */
export type ImageUsers = (image: Docker.ImageInspectInfo) => Promise<string>

/**
 * An image never decides that its command runs as root: one that means uid 0, however it says so,
 * runs as the tenant. The engine is given the number and never the name, which it would look up in
 * the container's own /etc/passwd at every start, after the app may have written there; a number it
 * takes as it is (moby/sys/user, GetExecUser).
 */
export function createImageUsers(deps: DockerDeps): ImageUsers {
  const known = new Map<string, string>()
  return async ({ Id, Config }) => {
    // Newer engines leave out what is empty.
    const { User }: { User?: string } = Config
    const user = known.get(Id) ?? (await userOf(User ?? '', (name) => uidOfName(deps, Id, name)))
    known.set(Id, user)
    return user
  }
}

/**
 * @param text as USER of a Dockerfile has it: `NAME`, `UID`, `NAME:GROUP`, …
 * @throws boot_failed for a name that is nobody's
 */
export async function userOf(text: string, uidOf: (name: string) => Promise<number>): Promise<string> {
  const [name = '', group] = text.split(':')
  const uid = name === '' ? 0 : (decimal(name) ?? (await uidOf(name)))
  if (uid === 0) return tenantUser
  return group === undefined || group === '' ? String(uid) : `${uid}:${group}`
}

/**
 * @param list as of passwd(5), read as the engine does: what should be a number and is none is 0
 */
export function uidIn(list: string, name: string): number | undefined {
  const entries = list.split('\n').map((line) => line.trim().split(':'))
  const entry = entries.find(([first]) => first === name)
  return entry && (decimal(entry[2] ?? '') ?? 0)
}

/** As Go's strconv.Atoi reads it: `00`, `+0` and `-0` are numbers, `0x0` is none. */
function decimal(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Math.abs(Number(text)) : undefined
}

async function uidOfName(deps: DockerDeps, image: string, name: string): Promise<number> {
  const uid = uidIn(await passwdOf(deps, image), name)
  if (uid === undefined) {
    throw new PaasError('boot_failed', `The image's USER ${name} is not in its /etc/passwd.`, {
      hint: 'Add the user in the Dockerfile (RUN useradd …), or use its numeric id.',
    })
  }
  return uid
}

async function passwdOf(deps: DockerDeps, image: string): Promise<string> {
  let path = '/etc/passwd'
  for (let links = 0; links <= mostLinks; links++) {
    const file = await firstFile(await readImage(deps, image, path, new AbortController().signal))
    if (file?.link === undefined) return file?.content ?? ''
    path = posix.resolve(posix.dirname(path), file.link)
  }
  return ''
}

async function firstFile(tar: Readable | undefined): Promise<{ link?: string; content: string } | undefined> {
  if (!tar) return undefined
  const reader = tar.pipe(extract())
  try {
    for await (const entry of reader) {
      const { type, size, linkname } = entry.header
      if (type === 'symlink') return { link: linkname ?? '', content: '' }
      if (type !== 'file' || size > longestList) return undefined
      return { content: (await buffer(entry)).toString() }
    }
    return undefined
  } finally {
    tar.destroy()
  }
}
