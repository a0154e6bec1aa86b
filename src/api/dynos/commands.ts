import type { ReleaseId } from '../../model/ids.ts'
import type { Slug } from '../../model/slug.ts'
import type { Store } from '../../store/store.ts'

/** The commands of a release by process type; none without code. */
export function commandsOf(
  { releases, slugs }: Pick<Store, 'releases' | 'slugs'>,
  id: ReleaseId | null,
): Slug['processTypes'] {
  const slugId = id && releases.find(id)?.slugId
  return (slugId && slugs.find(slugId)?.processTypes) || {}
}
