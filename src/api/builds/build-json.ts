import { isFinished, type Build } from '../../model/build.ts'
import type { BuildReport } from '../../model/build-report.ts'
import type { Slug } from '../../model/slug.ts'
import { nameAndUrl } from './packs-named.ts'
import { checksumOf } from './checksum.ts'
import type { ApiDeps } from '../deps.ts'
import { userJson } from '../apps/app-json.ts'
import { time } from '../http/shapes.ts'
import { withoutSecrets } from '../../outbound/download.ts'
import type { Asker } from '../../model/grant.ts'
import { lifetimes, type Passes } from '../http/passes.ts'
import { getUrlOf, type SourceDeps } from './sources.ts'

export type BuildJsonDeps = SourceDeps & Pick<ApiDeps, 'store' | 'config'> & { passes: Passes }

/**
 * Heroku's build, with URLs for the account that asks. It knows only pending, succeeded and failed;
 * `state` and what follows it are ours and tell the rest.
 */
export function buildJson(deps: BuildJsonDeps, build: Build, asker: Asker): object {
  const slug = build.slugId ? deps.store.slugs.find(build.slugId) : undefined
  const { state } = build
  return {
    app: { id: build.appId },
    buildpacks: packsOf(build, slug),
    created_at: time(build.createdAt),
    generation: 'cedar',
    id: build.id,
    output_stream_url: outputUrl(deps, build, asker),
    release: build.releaseId ? { id: build.releaseId } : null,
    slug: build.slugId ? { id: build.slugId } : null,
    source_blob: blobJson(deps, build, asker),
    stack: slug?.stack ?? deps.store.apps.get(build.appId)?.stack ?? '',
    status: buildStatus(build),
    updated_at: time(build.updatedAt),
    user: userJson(deps.store, build.accountId),
    state: state.kind,
    commit: build.source ? null : build.commit,
    ref: build.ref,
    detached: build.detached,
    finished_at: 'finishedAt' in state ? time(state.finishedAt) : null,
    cancel_requested: state.kind === 'running' && state.cancelRequested,
    failure: state.kind === 'failed' ? { id: state.code, message: state.reason } : null,
    superseded_by: state.kind === 'superseded' ? state.by : null,
    report: reportJson(deps.store.builds.report(build.id)),
  }
}

/** Times in milliseconds, in the order the phases ended; sizes in bytes. */
function reportJson(report: BuildReport | undefined): object | null {
  if (!report) return null
  return {
    phases: report.phases,
    unchanged_since: report.unchangedSince ?? null,
    dependencies: report.dependencies ?? null,
    source_bytes: report.sourceBytes ?? null,
    slug_bytes: report.slugBytes ?? null,
    dependency_bytes: report.dependencyBytes ?? null,
    image_bytes: report.imageBytes ?? null,
    packs: report.packs ?? [],
  }
}

function packsOf({ buildpacks }: Build, slug: Slug | undefined): object[] | null {
  if (buildpacks) return buildpacks.map(nameAndUrl)
  return slug ? [{ name: slug.buildpack, url: slug.buildpack }] : null
}

/**
 * The `heroku-builds` plugin takes the version apart, so there is always a text. Of the address of
 * another server what is in front of `?`: the rest may be a token.
 */
function blobJson(deps: BuildJsonDeps, { id, appId, commit }: Build, asker: Asker): object {
  const source = deps.store.builds.source(id)
  if (!source) return { checksum: null, url: '', version: commit, version_description: null }
  const { from, sha256, version, description } = source
  const url =
    from.kind === 'upload'
      ? getUrlOf(deps, from.id, { ...asker, app: { id: appId, role: 'deploy' } })
      : withoutSecrets(from.url)
  return { checksum: checksumOf(sha256), url, version: version ?? '', version_description: description }
}

export function buildStatus({ state }: Build): 'pending' | 'succeeded' | 'failed' {
  if (!isFinished(state)) return 'pending'
  return state.kind === 'succeeded' ? 'succeeded' : 'failed'
}

/** Anyone with the URL may read the output, as long as the account that requested it may. */
export function outputUrl(
  { config, passes }: Pick<BuildJsonDeps, 'config' | 'passes'>,
  { id, appId }: Build,
  asker: Asker,
): string {
  const grant = { ...asker, app: { id: appId, role: 'view' } } as const
  return `${config.publicUrl}/streams/builds/${id}/${passes.issue({ kind: 'build output', id }, grant, lifetimes.output)}`
}
