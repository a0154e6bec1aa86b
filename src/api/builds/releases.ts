import type { FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { PaasError } from '../../errors.ts'
import type { App } from '../../model/app.ts'
import type { SlugId } from '../../model/ids.ts'
import type { Release } from '../../model/release.ts'
import { createSlugRelease } from '../../release/create.ts'
import { createRollback, isEligibleForRollback } from '../../release/rollback.ts'
import { appOf, askerOf } from '../http/access.ts'
import { userJson } from '../apps/app-json.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { sayWhoReleases } from '../../release/say-who.ts'
import { oneLine, optionalText } from '../http/one-line.ts'
import { page } from '../http/page.ts'
import type { Passes } from '../http/passes.ts'
import { releaseOutputUrl } from './release-output.ts'
import { time } from '../http/shapes.ts'
import { slugToRelease } from './slugs.ts'
import { wake } from '../http/wake.ts'

type Deps = Pick<ApiDeps, 'config' | 'store' | 'queue' | 'output' | 'platformLog' | 'log'> & {
  passes: Passes
}

const newRelease = Type.Object(
  {
    release: Type.Optional(Type.Union([Type.String(), Type.Integer({ minimum: 1 })])),
    slug: Type.Optional(Type.String()),
    description: optionalText,
  },
  { additionalProperties: false },
)

const order = { version: (release: Release) => release.version, id: (release: Release) => release.id }

export function releaseRoutes(api: Api, deps: Deps): void {
  const { store } = deps
  const shown = (request: FastifyRequest, app: App, release: Release): object =>
    releaseJson(store, app, release, releaseOutputUrl(deps, release, askerOf(request)))
  const config = { scope: 'protected' } as const

  api.get('/apps/:app/releases', { config }, (request, reply) => {
    const app = appOf(store, request)
    return page(request, reply, store.releases.list(app.id), order).map((release) => shown(request, app, release))
  })

  api.get('/apps/:app/releases/:release', { config }, (request) => {
    const app = appOf(store, request)
    return shown(request, app, releaseOf(store, app, request))
  })

  api.get('/apps/:app/releases/:release/config-vars', { config: { ...config, role: 'deploy' } }, (request) => {
    const app = appOf(store, request)
    return store.releases.config(releaseOf(store, app, request).id)
  })

  api.post('/apps/:app/releases', { config, schema: { body: newRelease } }, async (request, reply) => {
    const app = appOf(store, request)
    const release = createRelease(store, app, request, request.body)
    sayWhoReleases(deps.platformLog, release, request.identity.account.email)
    await wake(deps, reply, { kind: 'converge', appId: app.id })
    reply.code(201)
    return shown(request, app, release)
  })
}

/**
 * A rollback, or the release of a slug.
 * @throws invalid_params, not_found, forbidden, slug_empty
 */
function createRelease(
  store: Deps['store'],
  app: App,
  request: FastifyRequest,
  { release, slug, description }: Static<typeof newRelease>,
): Release {
  const accountId = request.identity.account.id
  if (slug !== undefined && release === undefined) {
    const text = oneLine(description, 'description') ?? undefined
    return createSlugRelease(store, app, {
      slug: slugToRelease(store, app, request, slug as SlugId),
      description: text,
      accountId,
    })
  }
  if (release !== undefined && slug === undefined && (description ?? null) === null) {
    return createRollback(store, app, { target: releaseNamed(store, app, String(release)), accountId })
  }
  throw new PaasError('invalid_params', 'Send "slug", with an optional "description", or "release" to roll back to.')
}

function releaseOf(store: Deps['store'], app: App, request: FastifyRequest): Release {
  return releaseNamed(store, app, (request.params as { release: string }).release)
}

/** By id, version (`12` or `v12`) or as `current`. @throws not_found */
export function releaseNamed({ releases }: Deps['store'], app: App, name: string): Release {
  const release = name === 'current' ? currentRelease(releases, app) : releases.findIn(app.id, name)
  if (release) return release
  throw new PaasError('not_found', `${app.name} has no release ${JSON.stringify(name)}.`, {
    hint: `See them with: paas releases -a ${app.name}`,
  })
}

/** What serves; before the first deploy, the newest one that did not fail. */
function currentRelease(releases: Deps['store']['releases'], app: App): Release | undefined {
  if (app.currentReleaseId) return releases.find(app.currentReleaseId)
  return releases.list(app.id).find((release) => release.state.kind === 'succeeded')
}

/**
 * Heroku has no word for a release that was superseded: what it was to bring serves with the newer
 * one, so whoever waits for it is told that it succeeded.
 * @param outputUrl only for accounts that may read the output: the URL is a secret
 */
export function releaseJson(store: Deps['store'], app: App, release: Release, outputUrl: string | null = null): object {
  const { state } = release
  return {
    addon_plan_names: [],
    app: { id: app.id, name: app.name },
    artifacts: release.slugId ? [{ type: 'slug', id: release.slugId }] : [],
    created_at: time(release.createdAt),
    current: currentRelease(store.releases, app)?.id === release.id,
    description: release.description,
    eligible_for_rollback: isEligibleForRollback(release),
    failure: state.kind === 'failed' ? { message: state.reason } : null,
    id: release.id,
    output_stream_url: outputUrl,
    slug: release.slugId ? { id: release.slugId } : null,
    status: state.kind === 'superseded' ? 'succeeded' : state.kind,
    superseded_by: state.kind === 'superseded' ? state.by : null,
    updated_at: time(release.updatedAt),
    user: userJson(store, release.accountId),
    version: release.version,
  }
}
