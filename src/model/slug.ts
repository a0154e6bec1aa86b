import type { AppManifest } from './app-json.ts'
import type { AppId, BuildId, SlugId } from './ids.ts'

/** What can be released: an image by digest and the commands it can run. */
export type Slug = {
  id: SlugId
  appId: AppId
  /** null: its files were uploaded, or the app that built it is gone. */
  buildId: BuildId | null
  /** The 40 hex digits of what was built; of an upload what its author calls it, if anything. */
  commit: string | null
  commitDescription?: string
  /** The engine's content digest, `sha256:…`; never a tag. */
  image: string
  stack: string
  /** Process type → command. `null`: the image's own command (a Dockerfile build). */
  processTypes: Record<string, string | null>
  /** Display name of what built it, e.g. `Node.js`; null: nobody said. */
  buildpack: string | null
  /** Bytes of the slug layer, uncompressed. */
  size: number
  /** SHA-256 of the archive it came as, 64 lower-case hex digits; absent: it was built. */
  sha256?: string
  /** What the source's app.json says; absent: the source has no app.json. */
  appJson?: AppManifest
  /** Of all that decided the build; absent: no other build has the same. */
  buildKey?: string
  createdAt: Date
}

/**
 * A slug that was asked for, whose files are still to be uploaded; it becomes one by them, under
 * the same id.
 */
export type SlugDraft = Pick<Slug, 'id' | 'appId' | 'buildpack' | 'createdAt'> & {
  processTypes: Record<string, string>
  commit: string | null
  commitDescription: string | null
  /** What the archive must have. */
  sha256: string | null
  /** Until then it takes its files. */
  expiresAt: Date
}

/**
 * The commit of this app's own repository that the slug was built from; undefined: it was uploaded,
 * or is another app's.
 */
export function ownCommit(slug: Slug | undefined, appId: AppId): string | undefined {
  return (slug?.appId === appId && slug.buildId && slug.commit) || undefined
}

/** What people call a slug: `1a2b3c4d`, of its commit or else of its id. */
export function slugVersion({ id, commit }: Pick<Slug, 'id' | 'commit'>): string {
  return (commit ?? id).slice(0, 8)
}
