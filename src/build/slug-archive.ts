import type { Readable } from 'node:stream'
import { rewriteTar } from './tar.ts'

/** Heroku's form of a slug, `./app/…`, of the tar of `/app` as an engine gives it. */
export function slugArchive(tar: Readable): Readable {
  return rewriteTar(tar, ({ name, type, size, mtime, mode, uid, gid, linkname }) => {
    const target = type === 'link' ? `./${linkname}` : (linkname ?? '')
    return { name: `./${name}`, type, size, mtime, mode, uid, gid, linkname: target }
  })
}
