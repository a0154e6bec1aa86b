import type { Slug, SlugDraft } from '../../model/slug.ts'
import type { Store } from '../../store/store.ts'
import { checksumOf } from './checksum.ts'
import { named, time } from '../http/shapes.ts'

type Blob = { method: 'get' | 'put'; url: string }

/**
 * Heroku's slug. The checksum is that of an upload; what is downloaded is packed again each time.
 */
export function slugJson(store: Pick<Store, 'apps' | 'builds'>, slug: Slug | SlugDraft, blob: Blob): object {
  return {
    blob,
    buildpack_provided_description: slug.buildpack,
    checksum: checksumOf(slug.sha256),
    commit: versionOf(store, slug),
    commit_description: slug.commitDescription ?? null,
    created_at: time(slug.createdAt),
    deleted_at: null,
    id: slug.id,
    process_types: Object.fromEntries(
      Object.entries(slug.processTypes).map(([type, command]) => [type, command ?? '']),
    ),
    size: 'size' in slug ? slug.size : null,
    stack: named('stack', 'stack' in slug ? slug.stack : (store.apps.get(slug.appId)?.stack ?? '')),
    updated_at: time(slug.createdAt),
  }
}

/** The commit, or what the author of a tarball calls it. */
function versionOf({ builds }: Pick<Store, 'builds'>, slug: Slug | SlugDraft): string | null {
  const build = 'buildId' in slug && slug.buildId ? builds.find(slug.buildId) : undefined
  return build?.source ? build.source.version : slug.commit
}
