import type { Engine } from '../engine/engine.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { App } from '../model/app.ts'
import type { Release } from '../model/release.ts'
import type { Store } from '../store/store.ts'
import { deploy, type DeployDeps } from './deploy.ts'
import { loadDeployable, type Deployable } from './deployable.ts'
import type { AppLocks } from './locks.ts'
import { silent } from './narrator.ts'
import type { PlatformLog } from './platform-log.ts'

export type PendingDeps = DeployDeps & {
  engine: Pick<Engine, 'findImage'>
  store: DeployDeps['store'] & Pick<Store, 'builds'>
  locks: Pick<AppLocks, 'dynos'>
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

/**
 * Deploys what config changes and rollbacks asked for: only the newest, which contains the older ones. Releases of builds are deployed by
 * their builds; while one of those is under way the others wait, because they may carry its code.
 */
export async function deployPending(deps: PendingDeps, app: App, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pending = deps.store.releases.listPending(app.id)
    const newest = pending.at(-1)
    if (!newest || hasBuildUnderWay(deps.store, app, pending)) return
    const runnable = carriesFailedCode(deps.store, newest) ? replaceCode(deps.store, newest) : newest
    if (await deployOne(deps, app, runnable, signal)) {
      for (const replaced of deps.store.releases
        .listPending(app.id)
        .filter(({ version }) => version < runnable.version)) {
        deps.store.releases.setState(replaced.id, { kind: 'succeeded' })
      }
    }
  }
}

async function deployOne(deps: PendingDeps, app: App, release: Release, signal: AbortSignal): Promise<boolean> {
  const { store, log } = deps
  const about = { app: app.id, release: release.version }
  if (release.slugId === null) {
    store.releases.setState(release.id, { kind: 'succeeded' })
    return true
  }
  try {
    const deployable = loadDeployable(store, app, release)
    await checkImage(deps, deployable)
    await deps.locks.dynos.run(app.id, () => deploy(deps, deployable, { narrator: silent, signal }))
    log.info(about, 'released')
    return true
  } catch (cause) {
    const error = asPaasError(cause)
    if (signal.aborted || isPassing(error)) throw cause
    store.releases.setState(release.id, { kind: 'failed', reason: error.message })
    deps.platformLog.api(app.id, `Release v${release.version} failed: ${error.message}`)
    log.info({ ...about, reason: error.message }, 'release failed')
    return false
  }
}

/** Images of releases long replaced are swept. @throws boot_failed */
async function checkImage({ engine }: PendingDeps, { slug, release }: Deployable): Promise<void> {
  if (await engine.findImage(slug.image)) return
  throw new PaasError('boot_failed', `boot failed: the image of v${release.version} is gone`, {
    hint: `Push its commit again: ${slug.commit.slice(0, 8)}`,
  })
}

function hasBuildUnderWay({ builds }: Pick<Store, 'builds'>, app: App, pending: Release[]): boolean {
  const releaseIds = builds.listUnfinished(app.id).map(({ releaseId }) => releaseId)
  return pending.some(({ id }) => releaseIds.includes(id))
}

/** A release made while a build was deploying has that build's code; if none of it ever served, it must not be dragged in. */
function carriesFailedCode({ releases }: Pick<Store, 'releases'>, release: Release): boolean {
  if (release.slugId === null) return false
  const same = releases.list(release.appId).filter(({ id, slugId }) => slugId === release.slugId && id !== release.id)
  return same.length > 0 && same.every(({ state }) => state.kind !== 'succeeded') && same.some(isFailed)
}

function isFailed({ state }: Release): boolean {
  return state.kind === 'failed'
}

/** The same config with the code that serves. */
function replaceCode(store: DeployDeps['store'], release: Release): Release {
  const { appId, accountId, description, id } = release
  return store.transaction(() => {
    const current = store.apps.get(appId)?.currentReleaseId ?? null
    store.releases.setState(id, { kind: 'failed', reason: 'the release whose code it carried failed' })
    const slugId = current === null ? null : (store.releases.find(current)?.slugId ?? null)
    return store.releases.create({ appId, accountId, slugId, description, config: store.releases.config(id) })
  })
}
