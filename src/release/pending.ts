import type { Engine } from '../engine/engine.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import type { Release } from '../model/release.ts'
import type { OutputWriters } from '../queue/output-writer.ts'
import type { Store } from '../store/store.ts'
import { deploy, type DeployDeps } from './deploy.ts'
import { loadDeployable, type Deployable } from './deployable.ts'
import type { AppLocks } from './locks.ts'
import { howToBuildAgain } from './lost-images.ts'
import { silent } from './narrator.ts'
import type { PlatformLog } from './platform-log.ts'
import { isCommandDue } from './release-command.ts'

type PendingRecord = Pick<Store, 'transaction' | 'apps' | 'builds' | 'releases' | 'slugs' | 'configVars'>

export type PendingDeps = DeployDeps & {
  engine: Pick<Engine, 'findImage'>
  store: DeployDeps['store'] & PendingRecord
  locks: Pick<AppLocks, 'dynos'>
  /** Runs the release command, if there is one. @throws release_command_failed */
  releasePhase: (deployable: Deployable, signal: AbortSignal) => Promise<void>
  outputs: Pick<OutputWriters, 'closeBegun'>
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

/**
 * Which release is next of those that config changes, rollbacks and the API asked for: the newest, since it contains the older ones. Releases
 * of builds are deployed by their builds; while one of those is under way the others wait, because they may carry its code.
 */
export function nextPending(
  { releases, builds }: Pick<PendingRecord, 'releases' | 'builds'>,
  appId: AppId,
): Release | undefined {
  const pending = releases.listPending(appId)
  const building = builds.listUnfinished(appId).map(({ releaseId }) => releaseId)
  return pending.some(({ id }) => building.includes(id)) ? undefined : pending.at(-1)
}

/** Whether its deploy begins with a command, which may take as long as it likes. */
export function beginsWithCommand({ slugs }: Pick<PendingRecord, 'slugs'>, release: Release): boolean {
  const slug = release.slugId === null ? undefined : slugs.find(release.slugId)
  return slug !== undefined && isCommandDue(release, slug)
}

/**
 * Takes the next pending release to its verdict. When it has succeeded, so have the older ones, none of which ran; when it has failed, the
 * next older one is next, and the app's config vars are again those of the newest release that did not fail.
 */
export async function deployPending(deps: PendingDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const { store } = deps
  const app = store.apps.get(appId)
  const next = nextPending(store, appId)
  if (!app || app.destroying || !next) return
  const current = app.currentReleaseId === null ? undefined : store.releases.find(app.currentReleaseId)
  if (current && next.version < current.version) return supersede(deps, appId, current.version)
  if (carriesFailedCode(store, next)) return replaceCode(store, next)
  if (await deployOne(deps, { app, release: next }, signal)) await supersede(deps, appId, next.version)
}

async function deployOne(
  deps: PendingDeps,
  { app, release }: { app: App; release: Release },
  signal: AbortSignal,
): Promise<boolean> {
  const { store, log } = deps
  const about = { app: app.id, release: release.version }
  if (release.slugId === null) {
    store.releases.setState(release.id, { kind: 'succeeded' })
    return true
  }
  try {
    const deployable = loadDeployable(store, app, release)
    await checkImage(deps, deployable)
    await deps.releasePhase(deployable, signal)
    await deps.locks.dynos.run(app.id, () => deploy(deps, deployable, { narrator: silent, signal }))
    log.info(about, 'released')
    return true
  } catch (cause) {
    const error = asPaasError(cause)
    if (signal.aborted || isPassing(error)) throw cause
    fail(store, release, error.message)
    deps.platformLog.api(app.id, `Release v${release.version} failed: ${error.message}`)
    log.info({ ...about, reason: error.message }, 'release failed')
    return false
  }
}

/** Images of releases long replaced are swept. @throws boot_failed */
async function checkImage({ engine, store }: PendingDeps, deployable: Deployable): Promise<void> {
  if (await engine.findImage(deployable.slug.image)) return
  const problem = `boot failed: the image of v${deployable.release.version} is gone from Docker`
  throw new PaasError('boot_failed', `${problem}. ${howToBuildAgain(store, deployable)}`)
}

/** What was set with it is taken back with it: else the next release would carry it, whatever that one is about. */
function fail(store: PendingRecord, { id, appId }: Release, reason: string): void {
  store.transaction(() => {
    store.releases.setState(id, { kind: 'failed', reason })
    const newest = store.releases.list(appId).find((release) => !isFailed(release))
    if (newest) store.configVars.replace(appId, store.releases.config(newest.id))
  })
}

/**
 * Ends all that is older than what serves: it is contained in that. A worker that died may have begun its command, and whoever reads the
 * output of that waits for its end.
 */
async function supersede({ store, outputs }: PendingDeps, appId: AppId, version: number): Promise<void> {
  for (const { id } of store.releases.listPending(appId).filter((release) => release.version < version)) {
    store.releases.setState(id, { kind: 'succeeded' })
    await outputs.closeBegun(id)
  }
}

/** A release made while its code was being deployed by an earlier one; if none of it ever served, it must not be dragged in. */
function carriesFailedCode(
  { releases }: Pick<Store, 'releases'>,
  { appId, slugId, version, bringsCode }: Release,
): boolean {
  if (slugId === null || bringsCode) return false
  const earlier = releases.list(appId).filter((other) => other.slugId === slugId && other.version < version)
  const origin = earlier.find((other) => other.bringsCode)
  return origin?.state.kind === 'failed' && earlier.every(({ state }) => state.kind !== 'succeeded')
}

function isFailed({ state }: Release): boolean {
  return state.kind === 'failed'
}

/** The same release, config and number, with the code that serves: whoever waits for it waits on. */
function replaceCode({ apps, releases }: PendingRecord, { id, appId }: Release): void {
  const current = apps.get(appId)?.currentReleaseId ?? null
  releases.replaceCode(id, current === null ? null : (releases.find(current)?.slugId ?? null))
}
