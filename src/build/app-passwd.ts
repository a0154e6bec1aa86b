import type { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pack, forEachEntry } from '../tar.ts'
import type { Engine, Image } from '../engine/engine.ts'
import type { Owner } from '../model/app-user.ts'

const path = 'etc/passwd'
/** A tar ends with two blocks of zeros, behind which nothing is read. */
const endOfTar = 1024

/** Reads the users of images, of each once. */
export function createUsers(engine: Pick<Engine, 'readImage'>): (image: Image) => Promise<string> {
  const known = new Map<string, Promise<string>>()
  return (image) => {
    const users = known.get(image.digest) ?? readUsers(engine, image)
    known.set(image.digest, users)
    users.catch(() => known.delete(image.digest))
    return users
  }
}

async function readUsers(engine: Pick<Engine, 'readImage'>, { digest }: Image): Promise<string> {
  const tar = await engine.readImage(digest, `/${path}`, new AbortController().signal)
  let users = ''
  if (tar) await forEachEntry(tar, async (entry) => void (users = await text(entry)))
  return users
}

/** The most bytes that `withOwner` adds: two headers and the list, with a longer number. */
export function bytesOfUsers(users: string): number {
  return 4 * 512 + Buffer.byteLength(users)
}

/**
 * The files of a layer, after the list of users in which `app` has the owner's number: programs ask
 * it for their home and name.
 * @param users as the image below has them (passwd(5))
 */
export async function* withOwner(files: Readable, users: string, { uid, gid }: Owner): AsyncGenerator<Buffer> {
  const archive = pack()
  archive.entry({ name: 'etc', type: 'directory', mode: 0o755 })
  archive.entry({ name: path, mode: 0o644 }, users.replace(/^app:x:\d+:\d+:/m, `app:x:${uid}:${gid}:`))
  archive.finalize()
  const head = await buffer(archive)
  yield head.subarray(0, head.length - endOfTar)
  yield* files as AsyncIterable<Buffer>
}
