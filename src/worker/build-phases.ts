import type { RunPipeline } from '../model/build-request.ts'
import type { Narrator } from '../model/narrator.ts'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { AppJson } from '../model/app-json.ts'
import type { App } from '../model/app.ts'
import { buildVersion, type Build, type PhaseTimes } from '../model/build.ts'
import { newId, type SlugId } from '../model/ids.ts'
import type { Release } from '../model/release.ts'
import { noCommit } from '../model/source.ts'
import type { Slug } from '../model/slug.ts'
import { createBuildRelease } from '../release/create.ts'
import { deploy, type DeployDeps } from '../dynos/replace.ts'
import { loadDeployable, type Deployable } from '../dynos/deployable.ts'
import type { AppLocks } from '../app-lock.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Store } from '../store/store.ts'
import { configureBuild, type ConfigureDeps } from './configure-build.ts'
import { sayLacks } from './machine-lacks.ts'
import { releasePhase, type ReleasePhaseDeps } from './release-phase.ts'
import { takeSource, type TakeSourceDeps } from './take-source.ts'

/** One attempt at a build. */
export type BuildRun = {
  build: Build
  output: Narrator
  /** Filled as it goes on. */
  phases: PhaseTimes
  signal: AbortSignal
  /** Called when the build needs no build container any more. */
  compiled: () => void
}

export type PhaseDeps = DeployDeps &
  ConfigureDeps &
  ReleasePhaseDeps &
  TakeSourceDeps & {
    engine: Pick<Engine, 'info' | 'machine'>
    store: Store
    pipeline: RunPipeline
    locks: AppLocks
    platformLog: Pick<PlatformLog, 'api'>
    log: Logger
  }

/** compile → release → release command → deploy. What an earlier attempt completed is not done again. */
export async function buildPhases(deps: PhaseDeps, run: BuildRun): Promise<void> {
  const { app, slug } = await compile(deps, run)
  run.compiled()
  await deps.locks.releases.run(app.id, async () => {
    const release = releaseOf(deps.store, run, slug)
    if (release.state.kind === 'succeeded') return
    const deployable = loadDeployable(deps.store, app, release)
    sayWhoReleases(deps, run.build, deployable)
    const options = { narrator: run.output, signal: run.signal }
    await timed(run, 'release', () => releasePhase(deps, deployable, options))
    await sayLacks(deps, deployable, run.output)
    run.output.topic('Launching...')
    const times = await deps.locks.dynos.run(app.id, () => deploy(deps, deployable, options))
    Object.assign(run.phases, times)
  })
}

async function compile(deps: PhaseDeps, run: BuildRun): Promise<{ app: App; slug: Slug }> {
  const { store, pipeline } = deps
  const { build, output, signal } = run
  const app = appOf(store, build)
  const known = build.slugId === null ? undefined : store.slugs.find(build.slugId)
  if (known) return { app, slug: known }
  const { id, appId, noCache, generation } = build
  const commit = build.commit === noCommit ? await timed(run, 'source', () => takeSource(deps, run)) : build.commit
  const config = store.configVars.get(appId)
  const configure = (appJson: AppJson) => configureBuild(deps, { app, build, appJson }, output)
  const version = build.source?.version ?? commit
  const buildpacks = build.buildpacks ?? store.buildpacks.list(appId)
  const request = { buildId: id, appId, app: app.name, commit, version, config, configure, buildpacks, noCache }
  const { phases, ...result } = await pipeline(request, output, signal)
  addTimes(run.phases, phases)
  const slug: Slug = { ...result, id: newId<SlugId>(), appId, buildId: id, commit, createdAt: new Date() }
  if (!store.builds.recordSlug(id, generation, slug)) throw takenOver(build)
  return { app, slug }
}

/** The release an earlier attempt made, or a new one. @throws what an earlier attempt failed with */
function releaseOf(store: Store, { build }: BuildRun, slug: Slug): Release {
  const earlier = build.releaseId === null ? undefined : store.releases.find(build.releaseId)
  if (!earlier) return createBuildRelease(store, build, slug)
  if (earlier.state.kind === 'failed') throw new PaasError('boot_failed', earlier.state.reason)
  return earlier
}

/** Heroku's words, in the app's log. */
function sayWhoReleases({ store, platformLog }: PhaseDeps, build: Build, { release }: Deployable): void {
  const user = store.accounts.emailOf(build.accountId)
  platformLog.api(release.appId, `Deploy ${buildVersion(build)} by user ${user}`)
  platformLog.api(release.appId, `Release v${release.version} created by user ${user}`)
}

function appOf({ apps }: Pick<Store, 'apps'>, { appId, id }: Build): App {
  const app = apps.get(appId)
  if (!app || app.destroying) throw new PaasError('build_cancelled', `The app of build ${id} is being destroyed.`)
  return app
}

/** A tarball's unpacking and the reading of its commit are one phase to those who wait for it. */
function addTimes(phases: PhaseTimes, more: PhaseTimes): void {
  for (const [name, time] of Object.entries(more)) phases[name] = (phases[name] ?? 0) + time
}

async function timed<T>({ phases }: BuildRun, name: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now()
  try {
    return await work()
  } finally {
    phases[name] = performance.now() - begin
  }
}

function takenOver({ id }: Build): PaasError {
  return new PaasError('internal', `Another attempt has taken over the build ${id}.`)
}
