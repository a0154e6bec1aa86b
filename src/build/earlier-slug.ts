import { createHmac } from 'node:crypto'
import type { Engine } from '../engine/engine.ts'
import type { AppId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import type { Store } from '../store/store.ts'

type Used = { store: Pick<Store, 'builds' | 'releases' | 'secretFor' | 'slugs'>; engine: Pick<Engine, 'findImage'> }

/**
 * The slug that an earlier build of the app made of what has this key, and the version of its
 * release, if its image is still there.
 */
export async function findEarlierSlug(
  { store, engine }: Used,
  appId: AppId,
  key: string,
): Promise<{ slug: Slug; version: number } | undefined> {
  const slug = store.slugs.findBuilt(appId, key)
  const releaseId = slug?.buildId && store.builds.find(slug.buildId)?.releaseId
  const release = releaseId ? store.releases.find(releaseId) : undefined
  if (!slug || !release || !(await engine.findImage(slug.image))) return undefined
  return { slug, version: release.version }
}

/**
 * What the record has of a build's inputs, which hold config vars: without the server's secret
 * nobody can try out which they are.
 */
export function buildKeyOf({ secretFor }: Pick<Store, 'secretFor'>, inputs: string): string {
  return createHmac('sha256', secretFor('build keys')).update(inputs).digest('hex')
}
