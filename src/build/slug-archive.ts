import type { Readable } from 'node:stream'
import { tenant } from '../model/app-user.ts'
import { rewriteTar } from '../tar.ts'

/**
 * Heroku's form of a slug, `./app/…`, of the tar of `/app` as an engine gives it. Whose it is here
 * means nothing elsewhere.
 */
export function slugArchive(tar: Readable): Readable {
  return rewriteTar(tar, ({ name, type, size, mtime, mode, linkname }) => {
    const target = type === 'link' ? `./${linkname}` : (linkname ?? '')
    return { name: `./${name}`, type, size, mtime, mode, ...tenant, linkname: target }
  })
}
