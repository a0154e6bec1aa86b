import { asPaasError, isPassing, type PaasError } from '../errors.ts'
import type { Repositories } from '../model/repositories.ts'
import { appUrl, type App } from '../model/app.ts'
import { describePhases, type Build, type BuildState } from '../model/build.ts'
import type { AppId } from '../model/ids.ts'
import type { Release } from '../model/release.ts'
import { ownCommit, type Slug } from '../model/slug.ts'
import type { Releases } from '../release/releases.ts'
import type { Store } from '../store/store.ts'
import type { BuildRun, BuildParts } from './parts.ts'
import { writeVerdict } from './write-verdict.ts'

type Used = Pick<BuildParts, 'store' | 'publicUrl' | 'log'> & {
  repositories: Pick<Repositories, 'moveRef' | 'release' | 'resolve'>
}
type Failing = Used & { releases: Pick<Releases, 'fail'> }

type FinalState = Exclude<BuildState, { kind: 'pending' } | { kind: 'running' }>

/**
 * The release serves. The ref moves before the verdict, so that the ref is up to date when the
 * verdict is visible.
 */
export async function succeed(parts: Used, run: BuildRun): Promise<void> {
  const { build, output, clock, facts } = run
  const app = parts.store.apps.get(build.appId)
  if (app) sayWhatRuns(parts, app, output)
  output.detail('Verifying deploy... done.')
  output.detail(`Phases: ${describePhases(clock.times)}`)
  const report = { ...facts, phases: clock.times }
  await writeVerdict(parts, run, async () => {
    await moveRef(parts, build)
    parts.store.builds.finish(build.id, build.generation, { kind: 'succeeded', finishedAt: new Date() }, report)
  })
}

function sayWhatRuns({ store, publicUrl }: Used, { id, name }: App, output: BuildRun['output']): void {
  const types = store.formations.list(id).map(({ type }) => type)
  const url = appUrl(publicUrl, name)
  if (types.includes('web')) return output.detail(`${url} deployed`)
  if (types.length === 0) return output.error(nothingRuns)
  output.detail(`No web process type, so nothing answers at ${url}; it has ${types.join(', ')}`)
}

const nothingRuns =
  'Nothing runs: neither a Procfile nor the buildpack says what. Add a file Procfile with a line such as "web: ./server", listen on $PORT, and push again.'

/**
 * The previous release keeps serving, and the build says why. The ref moves before the verdict here
 * as well.
 */
export async function fail(parts: Failing, run: BuildRun, error: PaasError): Promise<void> {
  const { store, releases, log } = parts
  const { build, output, clock, facts } = run
  if (error.fault === 'server') log.error({ build: build.id, err: error }, 'build failed through the server')
  const current = currentRelease(store, store.apps.get(build.appId))
  for (const text of [error.message, error.hint, current && `v${current.version} keeps serving.`]) {
    if (text) output.error(text)
  }
  await writeVerdict(parts, run, async () => {
    if (build.detached) await moveBack(parts, build, current)
    store.transaction(() => {
      const releaseId = store.builds.find(build.id)?.releaseId
      if (releaseId) releases.fail({ id: releaseId }, error)
      store.builds.finish(build.id, build.generation, stateOf(error), { ...facts, phases: clock.times })
    })
  })
}

function stateOf({ code, message }: PaasError): FinalState {
  const finishedAt = new Date()
  if (code === 'build_cancelled') return { kind: 'cancelled', finishedAt }
  return { kind: 'failed', finishedAt, code, reason: message }
}

/**
 * From wherever the ref is, unless a newer build has put it there: pushes that were accepted while
 * this one built name an older commit as the previous one. The release serves whatever becomes of
 * the ref, so a failure is reported and not the build's.
 * @throws what passes by itself, such as server_exhausted: the verdict waits for it
 */
async function moveRef({ store, repositories, log }: Used, build: Build): Promise<void> {
  const { id, appId, ref, commit, previousCommit } = build
  if (ref === null || store.builds.hasNewerServing(id)) return
  try {
    if (await repositories.moveRef(appId, ref, commit, previousCommit)) return
    const previous = await repositories.resolve(appId, ref)
    const moved = await repositories.moveRef(appId, ref, commit, previous ?? null)
    if (!moved) log.warn({ build: id, ref }, 'the ref was moved by somebody else')
  } catch (error) {
    if (isPassing(asPaasError(error))) throw error
    log.error({ build: id, ref, err: error }, 'the ref could not be moved')
  }
}

/**
 * A detached push was let through before its build: the ref goes back to what serves, or to where
 * it was when that was never pushed, or away when nothing serves, unless it was pushed again. The
 * same commit can be pushed once more then.
 * @throws what passes by itself
 */
async function moveBack(
  { repositories, store, log }: Used,
  { id, appId, ref, commit, previousCommit }: Build,
  current: Release | undefined,
): Promise<void> {
  if (ref === null) return
  const slug = current?.slugId ? store.slugs.find(current.slugId) : undefined
  const serving = slug ? (pushedCommit(store, slug, appId) ?? previousCommit) : null
  try {
    await repositories.moveRef(appId, ref, serving, commit)
  } catch (error) {
    if (isPassing(asPaasError(error))) throw error
    log.error({ build: id, ref, err: error }, 'the ref could not be moved back')
  }
}

/** What serves, if it was pushed and not uploaded. */
function pushedCommit({ builds }: Store, slug: Slug, appId: AppId): string | undefined {
  const build = slug.buildId ? builds.find(slug.buildId) : undefined
  return build?.source === null ? ownCommit(slug, appId) : undefined
}

/** The commit may be collected from now on, unless a ref leads to it. */
export async function letGo({ repositories, log }: Used, { id, appId }: Build): Promise<void> {
  try {
    await repositories.release(appId, id)
  } catch (error) {
    log.warn({ build: id, err: error }, 'the commit of a finished build is still kept')
  }
}

function currentRelease({ releases }: Store, app: App | undefined): Release | undefined {
  return app?.currentReleaseId ? releases.find(app.currentReleaseId) : undefined
}
