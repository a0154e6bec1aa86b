import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import { isAtLeast } from '../../model/access.ts'
import type { App } from '../../model/app.ts'
import type { SlugId } from '../../model/ids.ts'
import { processTypesProblem } from '../../model/procfile.ts'
import type { Slug, SlugDraft } from '../../model/slug.ts'
import type { Store } from '../../store/store.ts'
import { appOf, askerOf } from '../http/access.ts'
import { pick } from '../apps/place.ts'
import { optionalChecksum, sha256Of } from './checksum.ts'
import type { Api } from '../deps.ts'
import { oneLine, optionalText } from '../http/one-line.ts'
import { lifetimes } from '../http/passes.ts'
import { slugUrl, type SlugFileDeps } from './slug-files.ts'
import { slugJson } from './slug-json.ts'

/** Slugs of one app that may wait for their files. */
const mostDrafts = 100

const newSlug = Type.Object(
  {
    process_types: Type.Record(Type.String(), Type.String()),
    buildpack_provided_description: optionalText,
    checksum: optionalChecksum,
    commit: optionalText,
    commit_description: optionalText,
    stack: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: false },
)

export function slugRoutes(api: Api, deps: SlugFileDeps): void {
  const { store } = deps

  api.post('/apps/:app/slugs', { schema: { body: newSlug } }, (request, reply) => {
    const draft = createDraft(store, appOf(store, request), request.body)
    return reply
      .code(201)
      .send(slugJson(store, draft, { method: 'put', url: slugUrl(deps, draft, 'put', askerOf(request)) }))
  })

  // The blob is the app's source, so reading it takes a role that may change the app.
  api.get<{ Params: { slug: SlugId } }>('/apps/:app/slugs/:slug', { config: { role: 'deploy' } }, (request) => {
    const app = appOf(store, request)
    const { slug: id } = request.params
    const slug = slugOf(store, app, id) ?? draftOf(store, app, id)
    const url = slugUrl(deps, { id, appId: app.id }, 'get', askerOf(request))
    if (slug) return slugJson(store, slug, { method: 'get', url })
    throw new PaasError('not_found', `${app.name} has no slug ${JSON.stringify(id)}.`)
  })
}

/**
 * The slug that a release of the app is asked for with: its own, or that of another app whose
 * source the account may read.
 * @throws not_found, forbidden, slug_empty
 */
export function slugToRelease(store: Store, app: App, { identity }: FastifyRequest, id: SlugId): Slug {
  const own = slugOf(store, app, id)
  if (own) return own
  if (draftOf(store, app, id)) throw new PaasError('slug_empty', `Nothing was uploaded for the slug ${id} yet.`)
  const slug = store.slugs.find(id)
  const owner = slug && store.apps.find(slug.appId)
  const role = owner && store.collaborators.roleOf(identity.account, owner)
  if (!role) throw new PaasError('not_found', `There is no slug ${JSON.stringify(id)}.`)
  if (isAtLeast(role, 'deploy')) return slug
  throw new PaasError('forbidden', `You have the role ${role} for ${owner.name}; releasing its slugs needs deploy.`)
}

/** One that is the app's, or that it has a release of. */
function slugOf({ slugs, releases }: Store, { id: appId }: App, id: SlugId): Slug | undefined {
  const slug = slugs.find(id)
  const isItsOwn = slug?.appId === appId || releases.list(appId).some(({ slugId }) => slugId === id)
  return isItsOwn ? slug : undefined
}

function draftOf({ slugDrafts }: Store, { id: appId }: App, id: SlugId): SlugDraft | undefined {
  const draft = slugDrafts.find(id)
  return draft?.appId === appId ? draft : undefined
}

function createDraft(store: Store, app: App, asked: Static<typeof newSlug>): SlugDraft {
  const problem = processTypesProblem(asked.process_types)
  if (problem) throw new PaasError('invalid_params', `${problem}.`)
  pick('stack', asked.stack ?? app.stack, [app.stack])
  const draft = {
    appId: app.id,
    processTypes: asked.process_types,
    buildpack: oneLine(asked.buildpack_provided_description, 'buildpack_provided_description'),
    commit: oneLine(asked.commit, 'commit'),
    commitDescription: oneLine(asked.commit_description, 'commit_description'),
    sha256: sha256Of(asked.checksum),
    expiresAt: new Date(Date.now() + lifetimes.file),
  }
  return store.transaction(() => {
    store.slugDrafts.removeExpired(new Date())
    if (store.slugDrafts.list(app.id).length < mostDrafts) return store.slugDrafts.create(draft)
    throw new PaasError('slugs_limit', `${app.name} has ${mostDrafts} slugs without files, the limit.`)
  })
}
