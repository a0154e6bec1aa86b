import type { Engine } from '../engine/engine.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import { contained, newestGood, nextStep, type NextStep } from '../model/pending-releases.ts'
import type { Release } from '../model/release.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Store } from '../store/store.ts'
import { deploy, type DeployDeps } from '../dynos/replace.ts'
import { loadDeployable, type Deployable } from '../dynos/deployable.ts'
import type { AppLocks } from '../app-lock.ts'
import { howToBuildAgain } from '../dynos/lost-images.ts'
import { silent } from '../model/narrator.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
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

/** What is next for the app's pending releases: those that config changes, rollbacks and the API asked for. */
export function nextStepOf({ apps, releases, builds }: PendingRecord, appId: AppId): NextStep {
  if (releases.listPending(appId).length === 0) return { kind: 'none' }
  return nextStep({
    releases: releases.list(appId),
    current: apps.get(appId)?.currentReleaseId ?? null,
    building: builds.listUnfinished(appId).flatMap(({ releaseId }) => releaseId ?? []),
  })
}

/** Whether it begins with a command, which may take as long as it likes. */
export function beginsWithCommand({ slugs }: Pick<PendingRecord, 'slugs'>, step: NextStep): boolean {
  const slug = step.kind === 'deploy' && step.release.slugId !== null ? slugs.find(step.release.slugId) : undefined
  return step.kind === 'deploy' && slug !== undefined && isCommandDue(step.release, slug)
}

/**
 * Takes the next pending release to its verdict. When it has succeeded, so have the older ones, none of which ran; when it has failed, the
 * next older one is next, and the app's config vars are again those of the newest release that did not fail.
 */
export async function deployPending(deps: PendingDeps, appId: AppId, signal: AbortSignal): Promise<void> {
  const { store } = deps
  const app = store.apps.get(appId)
  if (!app || app.destroying) return
  const step = nextStepOf(store, appId)
  switch (step.kind) {
    case 'none':
      return
    case 'supersede':
      return supersede(deps, appId, step.below)
    case 'replace-code':
      // The same release, config and number: whoever waits for it waits on.
      return store.releases.replaceCode(step.release.id, step.slugId)
    case 'accept':
      store.releases.setState(step.release.id, { kind: 'succeeded' })
      return supersede(deps, appId, step.release.version)
    case 'deploy':
      if (await deployOne(deps, { app, release: step.release }, signal)) {
        await supersede(deps, appId, step.release.version)
      }
  }
}

async function deployOne(
  deps: PendingDeps,
  { app, release }: { app: App; release: Release },
  signal: AbortSignal,
): Promise<boolean> {
  const { store, log } = deps
  const about = { app: app.id, release: release.version }
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
    const good = newestGood(store.releases.list(appId))
    if (good) store.configVars.replace(appId, store.releases.config(good.id))
  })
}

/**
 * Ends all that is older than what serves: it is contained in that. A worker that died may have begun its command, and whoever reads the
 * output of that waits for its end.
 */
async function supersede({ store, outputs }: PendingDeps, appId: AppId, version: number): Promise<void> {
  for (const { id } of contained(store.releases.listPending(appId), version)) {
    store.releases.setState(id, { kind: 'succeeded' })
    await outputs.closeBegun(id)
  }
}
