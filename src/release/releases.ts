import { AppLock } from '../app-lock.ts'
import { loadDeployable, type Deployable } from '../dynos/deployable.ts'
import type { Dynos } from '../dynos/dynos.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { App } from '../model/app.ts'
import type { Build } from '../model/build.ts'
import type { AccountId, AppId } from '../model/ids.ts'
import { newestGood } from '../model/pending-releases.ts'
import { PhaseClock } from '../model/phase-clock.ts'
import type { Release } from '../model/release.ts'
import type { Slug } from '../model/slug.ts'
import { silent, type Narrator } from '../model/narrator.ts'
import type { OutputWriters } from '../model/output.ts'
import type { Store } from '../store/store.ts'
import { createBuildRelease, createStackRelease } from './create.ts'
import { beginsWithCommand, nextStepOf, supersede } from './pending.ts'
import { runReleaseCommand } from './release-command.ts'
import { sayWhoReleases } from './say-who.ts'
import { recordFailure, recordSuccess } from './verdict.ts'

/**
 * Where it is decided what becomes of a release, whatever asked for it: a push, a config change, a
 * rollback or the API.
 *
 * - `create.ts` and `rollback.ts` put it in the database as pending: change there what a release
 *   contains and what it is called.
 * - `nextStep` in `model/pending-releases.ts` says which pending release is next: change there what
 *   waits and what is contained in what.
 * - `release` below takes one to its verdict: change here what every release goes through.
 * - `verdict.ts` puts the verdict in the database: change there what succeeds or is taken back with
 *   a release.
 * - `Dynos.replace` starts the dynos, switches the router to them and takes that back where they do
 *   not hold.
 *
 * One release of an app is in progress at a time, from its number to its verdict.
 */
export class Releases {
  readonly #own: ReleasesOptions
  readonly #turns = new AppLock()
  /** Since when releases of an app have given way to newer ones, with no verdict since. */
  readonly #givingWay = new Map<AppId, number>()

  constructor(options: ReleasesOptions) {
    this.#own = options
  }

  /**
   * The one way to release: the release command runs, the dynos of the release replace those that
   * serve, and the database says that it is current. `clock` gets the times of the phases.
   * @throws the reason of a failure, which is in the database and in the app's log then. What
   *   passes by itself (the engine is away, the disk is full), `release_superseded` or the signal's
   *   reason leaves it pending: it is released again, a newer one is, or its build gives it up
   */
  async release(
    deployable: Deployable,
    { narrator, signal, clock = new PhaseClock(), isOvertaken }: Releasing,
  ): Promise<void> {
    const { dynos, store, log, timeoutSeconds } = this.#own
    const { app, release } = deployable
    const about = { app: app.id, release: release.version }
    try {
      await clock.time('release', () => runReleaseCommand(this.#own, deployable, { narrator, signal, timeoutSeconds }))
      const commit = (): void => recordSuccess(store, deployable)
      clock.add(await dynos.replace(deployable, { narrator, signal, isOvertaken, commit }))
      log.info(about, 'released')
    } catch (cause) {
      const error = asPaasError(cause)
      log.info({ ...about, reason: error.message }, 'release failed')
      if (!signal.aborted && !isPassing(error) && !isSuperseded(error)) this.#tryToFail(release, error)
      throw cause
    }
  }

  /**
   * Releases what a build made. An attempt that is made again continues with the release of the
   * earlier one.
   * @throws as `release`
   */
  async releaseBuild(
    { app, build, slug }: { app: App; build: Build; slug: Slug },
    { narrator, signal, clock }: { narrator: Narrator; signal: AbortSignal; clock: PhaseClock },
  ): Promise<void> {
    await this.#turns.run(app.id, async () => {
      const release = this.#ofBuild(build, slug)
      if (release.state.kind !== 'pending') return
      await this.release(loadDeployable(this.#own.store, app, release), { narrator, signal, clock })
    })
  }

  /**
   * Takes pending releases of config changes, rollbacks and the API to their verdicts. Nobody waits
   * here for a release that is in progress, nor for a release command.
   * @returns whether the next one begins with a command: then call `releaseNext`, which waits for
   *   it
   */
  async releasePending(appId: AppId, signal: AbortSignal): Promise<{ isCommandNext: boolean }> {
    const { store } = this.#own
    while (!this.isBusy(appId)) {
      const step = nextStepOf(store, appId)
      if (step.kind === 'none') break
      if (beginsWithCommand(store, step)) return { isCommandNext: true }
      await this.releaseNext(appId, signal)
    }
    return { isCommandNext: false }
  }

  /**
   * Does the next step about the app's pending releases. One that failed is in the database as
   * that; then the next older one is next.
   * @throws why it is still pending
   */
  async releaseNext(appId: AppId, signal: AbortSignal): Promise<void> {
    await this.#turns.run(appId, async () => {
      const { store } = this.#own
      const app = store.apps.get(appId)
      if (!app || app.destroying) return
      const step = nextStepOf(store, appId)
      switch (step.kind) {
        case 'none':
          return
        case 'supersede':
          return supersede(this.#own, appId, step.below)
        case 'replace-code':
          // The same release, config and number: its waiters keep waiting.
          return store.releases.replaceCode(step.release.id, step.slugId)
        case 'accept':
          return store.releases.setState(step.release.id, { kind: 'succeeded' })
        case 'deploy':
          return this.#releaseToVerdict(app, step.release, signal)
      }
    })
  }

  /**
   * Makes a release of what the app runs, or will run when all that waits is released, on another
   * image. It is pending: `releaseNext` takes it to its verdict.
   * @param move makes the slug, and says who releases it; undefined: there is nothing to release
   * @param record in the transaction of the release
   */
  async moveSlug(
    appId: AppId,
    { move, record }: { move: MoveSlug; record: (release: Release) => void },
  ): Promise<Release | undefined> {
    const { store, platformLog } = this.#own
    return this.#turns.run(appId, async () => {
      const app = store.apps.get(appId)
      const slugId = app && !app.destroying && newestGood(store.releases.list(appId))?.slugId
      const slug = slugId ? store.slugs.find(slugId) : undefined
      const moved = app && slug && (await move(app, slug))
      if (!moved) return undefined
      const release = store.transaction(() => {
        const made = createStackRelease(store, app, moved)
        record(made)
        return made
      })
      platformLog.api(appId, `Release v${release.version} created: ${release.description}`)
      return release
    })
  }

  isBusy(appId: AppId): boolean {
    return this.#turns.isHeld(appId)
  }

  /** Does `work` while nothing of the app is released. */
  async exclude(appId: AppId, work: () => Promise<void>): Promise<void> {
    await this.#turns.run(appId, work)
  }

  /** Records that a release has failed, if it has no verdict yet, and tells the app's log. */
  fail({ id }: Pick<Release, 'id'>, { message }: PaasError): void {
    const { store, platformLog } = this.#own
    const release = store.releases.find(id)
    if (release?.state.kind !== 'pending') return
    recordFailure(store, release, message)
    platformLog.api(release.appId, `Release v${release.version} failed: ${message}`)
  }

  async #releaseToVerdict(app: App, release: Release, signal: AbortSignal): Promise<void> {
    const { store } = this.#own
    const isOvertaken = (): boolean => this.#isOvertaken(release)
    try {
      await this.release(loadDeployable(store, app, release), { narrator: silent, signal, isOvertaken })
    } catch (cause) {
      if (isSuperseded(asPaasError(cause))) return this.#giveWay(release)
      if (store.releases.find(release.id)?.state.kind === 'pending') throw cause
    }
    this.#givingWay.delete(app.id)
  }

  /**
   * A newer one waits. One change after another keeps no app from a new release for long: after a
   * minute of giving way, one has all the time there is.
   */
  #isOvertaken({ appId, version }: Release): boolean {
    const since = this.#givingWay.get(appId)
    if (since !== undefined && performance.now() - since > longestGivingWay) return false
    return this.#own.store.releases.listPending(appId).some((other) => other.version > version)
  }

  /** It stays pending: the newer one supersedes it, or when that fails it is tried again. */
  #giveWay({ appId, version }: Release): void {
    if (!this.#givingWay.has(appId)) this.#givingWay.set(appId, performance.now())
    this.#own.platformLog.api(appId, `Release v${version} is not up yet and gives way to a newer one`)
  }

  /** Where a full disk does not take it, it stays pending; whoever waits still gets the reason. */
  #tryToFail(release: Release, error: PaasError): void {
    try {
      this.fail(release, error)
    } catch (unwritten) {
      if (!isPassing(asPaasError(unwritten))) throw unwritten
      this.#own.log.warn({ app: release.appId, err: unwritten }, 'a release that failed is still on record as pending')
    }
  }

  /**
   * The release an earlier attempt made, or a new one.
   * @throws what an earlier attempt failed with
   */
  #ofBuild(build: Build, slug: Slug): Release {
    const { store, platformLog } = this.#own
    const earlier = build.releaseId === null ? undefined : store.releases.find(build.releaseId)
    if (earlier?.state.kind === 'failed') throw new PaasError('boot_failed', earlier.state.reason)
    if (earlier) return earlier
    const release = createBuildRelease(store, build, slug)
    sayWhoReleases(platformLog, release, store.accounts.emailOf(build.accountId))
    return release
  }
}

/** Milliseconds. */
const longestGivingWay = 60_000

function isSuperseded({ code }: PaasError): boolean {
  return code === 'release_superseded'
}

type Releasing = {
  narrator: Narrator
  signal: AbortSignal
  clock?: PhaseClock
  /** Whether it should give way to another where it does not come up soon. */
  isOvertaken?: () => boolean
}

type MoveSlug = (app: App, slug: Slug) => Promise<{ slug: Slug; accountId: AccountId } | undefined>

export type ReleasesOptions = {
  dynos: Dynos
  store: Store
  outputs: OutputWriters
  platformLog: Pick<PlatformLog, 'api'>
  /** How long a release command may run, in seconds. */
  timeoutSeconds: number
  log: Logger
}
