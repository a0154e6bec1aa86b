import { PaasError } from '../errors.ts'
import type { SlugId } from '../model/ids.ts'
import type { Slug } from '../model/slug.ts'
import { appOf } from './access.ts'
import type { Api, ApiDeps } from './deps.ts'
import { named, time } from './shapes.ts'

export function slugRoutes(api: Api, { store }: Pick<ApiDeps, 'store'>): void {
  api.get<{ Params: { slug: SlugId } }>('/apps/:app/slugs/:slug', (request) => {
    const app = appOf(store, request)
    const slug = store.slugs.find(request.params.slug)
    if (slug?.appId === app.id) return slugJson(store, slug)
    throw new PaasError('not_found', `${app.name} has no slug ${JSON.stringify(request.params.slug)}.`)
  })
}

/** A slug is an image on the engine, so there is no archive to fetch: `blob` names the image. */
function slugJson(store: Pick<ApiDeps['store'], 'builds'>, slug: Slug): object {
  return {
    blob: { method: 'GET', url: `docker:${slug.image}` },
    buildpack_provided_description: slug.buildpack,
    checksum: slug.image.toUpperCase().startsWith('SHA256:') ? `SHA256:${slug.image.slice(7)}` : null,
    commit: versionOf(store, slug),
    commit_description: null,
    created_at: time(slug.createdAt),
    deleted_at: null,
    id: slug.id,
    process_types: Object.fromEntries(
      Object.entries(slug.processTypes).map(([type, command]) => [type, command ?? '']),
    ),
    size: slug.size,
    stack: named('stack', slug.stack),
    updated_at: time(slug.createdAt),
  }
}

/** The commit, or what the author of a tarball calls it. */
function versionOf({ builds }: Pick<ApiDeps['store'], 'builds'>, { buildId, commit }: Slug): string | null {
  const source = builds.find(buildId)?.source
  return source ? source.version : commit
}
