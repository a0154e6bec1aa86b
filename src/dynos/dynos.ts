import type { Readable } from 'node:stream'
import { AppLock } from '../app-lock.ts'
import type { Dyno, EngineEvent } from '../engine/engine.ts'
import type { App } from '../model/app.ts'
import type { AppId } from '../model/ids.ts'
import type { AppVolume } from '../model/volume.ts'
import type { Deployable } from './deployable.ts'
import { routeToWhatRuns } from './first-routes.ts'
import { heard } from './heard.ts'
import { createParts, type DynosOptions, type DynoParts } from './parts.ts'
import { comeBackWhenReady, reconcile } from './reconcile.ts'
import { replace, type DeployTimes, type Replacing } from './replace.ts'
import { replaceSilent } from './replace-silent.ts'
import { resize, restart } from './restart.ts'
import { shownCertificate } from './route.ts'
import { readStill } from './read-still.ts'
import { runOnce, type OneTimeCommand, type Ended } from './run-once.ts'
import { sayLacks } from './say-lacks.ts'
import { sayVolumes } from './say-volumes.ts'
import { isAsRecorded } from './settled.ts'

/**
 * The dynos of all apps, and the routes to them: starts them, finds out whether they are ready,
 * says why not, and takes them out of service. What changes the dynos of one app is done one at a
 * time, in the order it was asked for.
 */
export class Dynos {
  readonly #parts: DynoParts
  readonly #states: DynosOptions['states']
  readonly #silenceSeconds: number | undefined
  readonly #turns = new AppLock()

  constructor(options: DynosOptions) {
    this.#parts = createParts(options)
    this.#states = options.states
    this.#silenceSeconds = options.config.silence.seconds
  }

  /**
   * Makes a release the running one. All its dynos of all types are ready before the first request
   * reaches any of them; then the router switches in one step. When they have held for a while,
   * `commit` is called: from there on the release is current, whatever happens. The dynos it
   * replaced finish their requests and stop in the background.
   * @throws account_limit, boot_failed, router_unavailable, engine_unavailable, or the signal's
   *   reason; then the previous release keeps serving, or again
   */
  async replace(deployable: Deployable, options: Replacing): Promise<DeployTimes> {
    await this.#parts.lostImages.refuse(deployable)
    await sayLacks(this.#parts, deployable, options.narrator)
    options.narrator.topic('Launching...')
    sayVolumes(this.#parts, deployable, options.narrator)
    return this.#turns.run(deployable.app.id, () => replace(this.#parts, deployable, options))
  }

  /**
   * Makes what runs equal to the database: the current release in the formation as it is now, each
   * dyno in its size, and the router knows them.
   * @param onReady called when a dyno that was not ready yet has come up: it serves after the next
   *   reconcile
   */
  async reconcile(appId: AppId, { signal, onReady }: { signal: AbortSignal; onReady: () => void }): Promise<void> {
    const unready = await this.#turns.run(appId, async () => {
      const app = this.#living(appId)
      if (!app) return []
      await resize(this.#parts, app, signal)
      return reconcile(this.#parts, app, signal)
    })
    for (const dyno of unready) void comeBackWhenReady(this.#parts, dyno, { signal, onReady })
  }

  /**
   * Replaces dynos by new ones of the same release without a gap. Where the new ones do not come up
   * the old ones stay, and the app's log says why.
   * @param which a dyno (`web.1`), a process type (`web`), or null for all
   */
  async restart(appId: AppId, which: string | null, signal: AbortSignal): Promise<void> {
    await this.#turns.run(appId, async () => {
      const app = this.#living(appId)
      if (app) await restart(this.#parts, app, which, signal)
    })
  }

  /**
   * Replaces web dynos that give no answer to anybody by fresh ones, until the signal.
   * @param isReleasing of apps to be left alone
   */
  async replaceSilent(isReleasing: (appId: AppId) => boolean, signal: AbortSignal): Promise<void> {
    if (this.#silenceSeconds === undefined) return
    const isBusy = (appId: AppId): boolean => this.#turns.isHeld(appId) || isReleasing(appId)
    await replaceSilent(this.#parts, { seconds: this.#silenceSeconds, turns: this.#turns, isBusy }, signal)
  }

  /**
   * Runs a command of the platform's own to its end.
   * @throws boot_failed when the image is gone, the signal's reason
   */
  async runOnce(deployable: Deployable, command: OneTimeCommand, signal: AbortSignal): Promise<Ended> {
    await this.#parts.lostImages.refuse(deployable)
    return runOnce(this.#parts, deployable, command, signal)
  }

  /** Takes a dyno out of service in the background: its requests finish, then it stops. */
  retire(dyno: Dyno): void {
    this.#parts.retirement.retire([dyno])
  }

  /** Requests for the app are answered as for one that does not exist. */
  unroute(appId: AppId): Promise<void> {
    return this.#parts.routes.remove(appId)
  }

  /**
   * Retires all dynos of an app, resolves when they are gone and `work` is done, and lets nobody
   * start others meanwhile.
   */
  async retireAll(appId: AppId, work: () => Promise<void>): Promise<void> {
    const { engine, retirement } = this.#parts
    await this.#turns.run(appId, async () => {
      await this.unroute(appId) // a deploy in progress may have added the route again
      const dynos = await engine.listDynos({ appId })
      retirement.retire(dynos)
      await retirement.finished(dynos)
      await work()
    })
  }

  /**
   * A tar of a volume while nothing writes to it: its dynos are paused until the tar is closed, or
   * until they were for as long as nobody should wait. Then it breaks off with `volume_changing`.
   */
  readStill(volume: AppVolume, signal: AbortSignal): Promise<Readable> {
    return readStill(this.#parts, this.#turns, volume, signal)
  }

  /** All that the engine has, one-offs too. What was remembered of others is forgotten. */
  async list(): Promise<Dyno[]> {
    const now = new Date()
    const dynos = await this.#parts.engine.listDynos()
    const ids = new Set(dynos.map(({ id }) => id))
    this.#states.keepOnly(ids, now)
    this.#parts.readyDynos.keepOnly(ids)
    return dynos
  }

  /** The apps whose dynos, or routes to them, are not what the database says. */
  async findUnsettled(): Promise<App[]> {
    const dynos = (await this.list()).filter(({ id }) => !this.#parts.retirement.isRetiring(id))
    const own = Map.groupBy(dynos, ({ appId }) => appId)
    return this.#parts.store.apps.listAll().filter((app) => !isAsRecorded(this.#parts, app, own.get(app.id) ?? []))
  }

  /**
   * Finds dynos that wrote more than `mostMiB` to their disk and says so in their app's log. The
   * caller replaces them.
   */
  async tellOverfull(mostMiB: number): Promise<Dyno[]> {
    const { engine, retirement, platformLog } = this.#parts
    const found = await engine.overfullDynos(mostMiB)
    const present = found.filter(({ dyno }) => !retirement.isRetiring(dyno.id))
    for (const { dyno, excess } of present) {
      platformLog.dyno(dyno, `Disk quota exceeded: ${excess} written. Replacing the dyno`)
    }
    return present.map(({ dyno }) => dyno)
  }

  /**
   * Returns the router a whole table, of these dynos. Later that could undo a switch that is just
   * being made.
   */
  routeToWhatRuns(dynos: Dyno[]): Promise<void> {
    return routeToWhatRuns(this.#parts, dynos)
  }

  /** Returns the router the same routes again: it may have lost them. */
  refreshRoutes(): Promise<void> {
    return this.#parts.routes.refresh()
  }

  /** What visitors of the control host, and of apps without one of their own, are shown. */
  async showCertificates(): Promise<void> {
    const { store, routes } = this.#parts
    const { managedCertificates } = store
    await routes.show(managedCertificates.list(null).flatMap((one) => shownCertificate(managedCertificates, one)))
  }

  /** Takes every event of the engine, in order. */
  heard(event: EngineEvent): void {
    heard(this.#parts, event)
  }

  /** The engine is away, and nothing it runs can be seen. */
  lost(): void {
    this.#parts.dynoLog.engineLost()
  }

  #living(appId: AppId): App | undefined {
    const app = this.#parts.store.apps.get(appId)
    return app?.destroying ? undefined : app
  }
}
