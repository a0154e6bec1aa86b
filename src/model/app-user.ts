import { createHash } from 'node:crypto'
import type { AppId } from './ids.ts'

export type Owner = { uid: number; gid: number }

/**
 * Who owns an app's files while it is built, and in images that have no user of the app: `app` in a
 * stack's images.
 */
export const tenant: Owner = { uid: 1000, gid: 1000 }

/**
 * Of the user `app` in a stack's images, in whose place an app has a user of its own in its image;
 * the group stays.
 */
const gid = 1000

/** Debian's own users lie below, and an engine in a user namespace mostly has 65,536 in all. */
const first = 10_000
const count = 50_000

/**
 * Who an app's dynos run as. The kernel counts some things by user for all of a machine (inotify
 * instances, memory of pipes, pending signals), so that one user for all would let one app take
 * them from all. Of a few hundred apps hardly two share one.
 */
export function appUser(appId: AppId): Owner {
  const hash = createHash('sha256').update(appId).digest()
  return { uid: first + (hash.readUInt32BE() % count), gid }
}

/** The user of an image, as `appUser` has them: `UID:GID`. */
export function isAppUser(text: string): boolean {
  const [, uid] = RegExp(`^(\\d{5}):${gid}$`).exec(text) ?? []
  return uid !== undefined && Number(uid) >= first && Number(uid) < first + count
}
