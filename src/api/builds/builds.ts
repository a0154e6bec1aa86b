import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { PaasError } from '../../errors.ts'
import { createPackPolicy } from '../../build/pack-url.ts'
import { acceptBuild } from '../../source/accept-build.ts'
import { deployBranches } from '../../source/deploy-branches.ts'
import type { App } from '../../model/app.ts'
import type { Build } from '../../model/build.ts'
import type { BuildId } from '../../model/ids.ts'
import { ownCommit } from '../../model/slug.ts'
import { noCommit } from '../../model/source.ts'
import { appOf, askerOf } from '../http/access.ts'
import { buildJson, type BuildJsonDeps } from './build-json.ts'
import { readResult } from './build-result.ts'
import { cancelBuild } from './cancel-build.ts'
import { mostPacks, packsNamed } from './packs-named.ts'
import type { Api, ApiDeps } from '../deps.ts'
import { page } from '../http/page.ts'
import { sourceBlob, sourceOf } from './source-blob.ts'
import { warnOfDelay } from '../http/wake.ts'

type Deps = BuildJsonDeps &
  Pick<ApiDeps, 'containers' | 'quotas' | 'queue' | 'repositories' | 'output' | 'outbound' | 'log'>

const pack = Type.Object(
  { url: Type.Optional(Type.String({ maxLength: 1000 })), name: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)

const newBuild = Type.Object(
  {
    commit: Type.Optional(Type.String({ pattern: '^[0-9a-f]{40}$' })),
    no_cache: Type.Optional(Type.Boolean()),
    source_blob: Type.Optional(sourceBlob),
    buildpacks: Type.Optional(Type.Union([Type.Array(pack, { maxItems: mostPacks }), Type.Null()])),
  },
  { additionalProperties: false },
)

/** `started_at` is Heroku's name for it in a range. */
const order = {
  created_at: (build: Build) => build.createdAt.toISOString(),
  started_at: (build: Build) => build.createdAt.toISOString(),
}

export function buildRoutes(api: Api, deps: Deps): void {
  const { store, config } = deps
  const policy = createPackPolicy(config)

  api.get('/apps/:app/builds', (request, reply) => {
    const builds = store.builds.list(appOf(store, request).id)
    return page(request, reply, builds, order).map((build) => buildJson(deps, build, askerOf(request)))
  })

  api.post('/apps/:app/builds', { schema: { body: newBuild } }, async (request, reply) => {
    const app = appOf(store, request)
    const texts = (request.body.buildpacks ?? []).map(({ url, name }) => url || name || '')
    const buildpacks = await packsNamed(texts, policy)
    const source = request.body.source_blob && (await sourceOf(deps, request.body.source_blob))
    const commit = source ? noCommit : await findCommit(deps, app, request.body.commit)
    const { build, queued } = await acceptBuild(
      { ...deps, ...store },
      {
        appId: app.id,
        accountId: request.identity.account.id,
        commit,
        ...(source && { tarball: source }),
        ...(buildpacks.length > 0 && { buildpacks }),
        ref: null,
        previousCommit: null,
        noCache: request.body.no_cache ?? false,
        detached: false,
      },
    )
    if (!queued) warnOfDelay(reply)
    reply.code(201)
    return buildJson(deps, build, askerOf(request))
  })

  api.get('/apps/:app/builds/:build', (request) => buildJson(deps, buildOf(store, request), askerOf(request)))

  api.delete('/apps/:app/builds/:build', async (request) => {
    const build = buildOf(store, request)
    return buildJson(deps, await cancelBuild(deps, build), askerOf(request))
  })

  // For `builds:cache:purge` of the heroku-builds plugin; it is not in Heroku's schema.
  api.delete('/apps/:app/build-cache', async (request) => {
    const { id } = appOf(store, request)
    await deps.containers.removeCache(id)
    store.slugs.forgetKeys(id)
    return {}
  })

  api.get('/apps/:app/builds/:build/result', (request) => readResult(deps, buildOf(store, request), askerOf(request)))
}

/**
 * The commit asked for, else the one that runs, else the tip of the deploy branch.
 * @throws not_found, invalid_params
 */
async function findCommit({ store, repositories }: Deps, app: App, asked?: string): Promise<string> {
  const commit = asked ?? runningCommit(store, app)
  if (commit !== undefined) {
    if (await repositories.resolve(app.id, commit)) return commit
    throw new PaasError('not_found', `The repository of ${app.name} has no commit ${commit}.`, {
      hint: 'Push it first.',
    })
  }
  for (const branch of await deployBranches(repositories, app)) {
    const tip = await repositories.resolve(app.id, `refs/heads/${branch}`)
    if (tip) return tip
  }
  throw new PaasError('invalid_params', `${app.name} has nothing to build yet.`, {
    hint: 'Push first: git push paas main',
  })
}

function runningCommit({ releases, slugs }: ApiDeps['store'], { id, currentReleaseId }: App): string | undefined {
  const slugId = currentReleaseId && releases.find(currentReleaseId)?.slugId
  return slugId ? ownCommit(slugs.find(slugId), id) : undefined
}

function buildOf(store: ApiDeps['store'], request: FastifyRequest): Build {
  const app = appOf(store, request)
  const { build: id } = request.params as { build: BuildId }
  const build = store.builds.find(id)
  if (build?.appId === app.id) return build
  throw new PaasError('not_found', `${app.name} has no build ${JSON.stringify(id)}.`)
}
