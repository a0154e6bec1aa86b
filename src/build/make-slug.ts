import { PaasError } from '../errors.ts'
import type { AppManifest } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import type { Build } from '../model/build.ts'
import { newId, type SlugId } from '../model/ids.ts'
import { noCommit } from '../model/source.ts'
import type { Made } from '../model/build-request.ts'
import type { Slug } from '../model/slug.ts'
import type { Store } from '../store/store.ts'
import { configureBuild } from './configure-build.ts'
import { buildKeyOf, findEarlierSlug } from './earlier-slug.ts'
import type { BuildRun, BuildParts } from './parts.ts'
import { takeSource } from './take-source.ts'

/**
 * The slug of a build: the one an earlier attempt made, or what the pipeline makes of its source.
 */
export async function makeSlug(parts: BuildParts, run: BuildRun): Promise<{ app: App; slug: Slug }> {
  const { store, pipeline } = parts
  const { build, output, clock, facts, signal } = run
  const app = appOf(store, build)
  const known = build.slugId === null ? undefined : store.slugs.find(build.slugId)
  if (known) return { app, slug: known }
  await parts.makeDiskRoom()
  const { id, appId, noCache, generation } = build
  const commit = build.commit === noCommit ? await clock.time('source', () => takeSource(parts, run)) : build.commit
  const config = store.configVars.get(appId)
  const configure = (appJson: AppManifest, until: AbortSignal) =>
    configureBuild(parts, { app, build, appJson }, output, until)
  const version = build.source?.version ?? commit
  const buildpacks = build.buildpacks ?? store.buildpacks.list(appId)
  const request = {
    buildId: id,
    appId,
    app: app.name,
    stack: app.stack,
    commit,
    version,
    config,
    configure,
    buildpacks,
    noCache,
  }
  if (noCache) store.slugs.forgetKeys(appId)
  const findEarlier = (inputs: string) => earlierSlug(parts, run, inputs)
  const { inputs, ...result } = await pipeline({ ...request, findEarlier }, { output, clock, facts }, signal)
  const buildKey = inputs === undefined ? {} : { buildKey: buildKeyOf(store, inputs) }
  const origin = { appId, buildId: id, commit, ...buildKey }
  const slug: Slug = { ...result, ...origin, id: newId<SlugId>(), createdAt: new Date() }
  if (store.builds.recordSlug(id, generation, slug)) return { app, slug }
  throw new PaasError('internal', `Another attempt has taken over the build ${id}.`)
}

async function earlierSlug(
  parts: BuildParts,
  { build, output, facts }: BuildRun,
  inputs: string,
): Promise<Made | undefined> {
  const earlier = await findEarlierSlug(parts, build.appId, buildKeyOf(parts.store, inputs))
  if (!earlier) return undefined
  const { image, stack, processTypes, buildpack, size } = earlier.slug
  facts.unchangedSince = earlier.version
  facts.slugBytes = size
  output.topic(`Nothing changed since v${earlier.version}: using its build`)
  return { image, stack, processTypes, buildpack, size }
}

function appOf({ apps }: Pick<Store, 'apps'>, { appId, id }: Build): App {
  const app = apps.get(appId)
  if (!app || app.destroying) throw new PaasError('build_cancelled', `The app of build ${id} is being destroyed.`)
  return app
}
