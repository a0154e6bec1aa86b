import type { AppId, SlugId } from '../model/ids.ts'
import type { Slug, SlugDraft } from '../model/slug.ts'

export interface SlugRecords {
  find(id: SlugId): Slug | undefined
  /** Newest first. */
  list(appId: AppId): Slug[]
  /** The newest of the app that a build with this key made, if that build succeeded. */
  findBuilt(appId: AppId, key: string): Slug | undefined
  /** No build of the app uses a slug of an earlier one. */
  forgetKeys(appId: AppId): void
  /** One that no build made and nobody uploaded: made of another one. */
  add(slug: Slug): void
  /** Those of the app that other apps have releases of: they outlive it. */
  listReleasedElsewhere(appId: AppId): Slug[]
}

/** Slugs whose files are still to come. */
export interface SlugDraftRecords {
  create(draft: Omit<SlugDraft, 'id' | 'createdAt'>): SlugDraft
  find(id: SlugId): SlugDraft | undefined
  list(appId: AppId): SlugDraft[]
  /**
   * The draft is a slug from now on, in one transaction. False: it was one already, or is gone with
   * its app.
   */
  complete(slug: Slug): boolean
  removeExpired(now: Date): void
}
