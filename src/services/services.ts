import type { Config } from '../config.ts'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonId, AppId } from '../model/ids.ts'
import { planNamed, serviceNamed, type ServicePlan, type Service } from '../model/service.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { createAddonRelease } from '../release/create.ts'
import type { DataDoorControl } from '../router/control/control.ts'
import type { Store } from '../store/store.ts'
import { readServices } from './definition.ts'
import { runArchiveProgram } from './archive.ts'
import { DoorKeeper } from './doors.ts'
import { provideAddons } from './from-app-json.ts'
import { untilHealthy } from './healthy.ts'
import { programsAt } from './image.ts'
import { containersOf, runAddon, type RunAddonDeps } from './run-addon.ts'
import { archiveVolume, configOf, dataOf } from './spec.ts'

export type ServicesOptions = RunAddonDeps & {
  engine: Pick<Engine, 'removeVolume'>
  store: Store
  platformLog: PlatformLog
  config: Pick<Config, 'servicesDirectories' | 'backup' | 'dataPorts' | 'packageSource'>
  doors: DataDoorControl
}

/** Milliseconds until what something passing kept from being done is tried again. */
const patience = 2000

/**
 * Makes what add-ons have in the engine equal to the database: one that is being made is made, as
 * often as it takes; one that is there runs, with the networks of the apps that it is attached to;
 * one that is going goes. Whoever changes the database wakes it. Disposal leaves the add-ons
 * running, and what is half done to the next worker.
 */
export class Services implements AsyncDisposable {
  readonly #own: ServicesOptions
  readonly #stopping = new AbortController()
  readonly #busy = new Map<AddonId, { done: Promise<void>; again: boolean }>()
  readonly #doors: DoorKeeper
  #converge: (appId: AppId) => void = () => undefined

  constructor(options: ServicesOptions) {
    this.#own = options
    this.#doors = new DoorKeeper(options)
  }

  /** @param converge releases what was recorded for an app */
  begin(converge: (appId: AppId) => void): void {
    this.#converge = converge
    this.wake()
  }

  /** Looks at every add-on, now or after what is under way. */
  wake(): void {
    const settled = this.#own.store.addons.list().map(({ id }) => this.#settle(id))
    void Promise.all(settled).then(() => this.#putDoors(true))
  }

  /** What they print is read on, from where an earlier worker had come to. */
  async list(): Promise<ServiceContainer[]> {
    return this.#own.engine.listServices()
  }

  /** A container of one changed. */
  heard({ id, appId, name, kind, addonId }: Heard): void {
    // One that is none of the record's is a proof's: nobody wants to read what it prints.
    if (!this.#own.store.addons.find(addonId)) return
    if (kind === 'started') this.#own.collector.follow({ id, appId, name })
    else void this.#settle(addonId)
    void this.#putDoors(false)
  }

  /** What the app.json of a new app asks for. */
  async provide(
    asked: Parameters<typeof provideAddons>[1],
    output: Parameters<typeof provideAddons>[2],
    signal: AbortSignal,
  ): Promise<void> {
    const { store } = this.#own
    await provideAddons(
      { store, config: this.#own.config, services: this.#read(), wake: () => this.wake() },
      asked,
      output,
      signal,
    )
  }

  /** Removes all that the add-ons of an app have, which is being destroyed. */
  async removeOf(appId: AppId): Promise<void> {
    const { store } = this.#own
    const those = store.addons.list(appId)
    for (const { id } of those) store.addons.setState(id, { kind: 'deprovisioned' })
    await Promise.all(those.map(({ id }) => this.#settle(id)))
    const left = store.addons.list(appId)[0]
    if (left) throw new PaasError('engine_unavailable', `The add-on ${left.name} could not be removed.`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(shutdown)
    await Promise.all([...this.#busy.values()].map(({ done }) => done))
  }

  /** One at a time for each add-on; what is asked meanwhile is done once more after it. */
  #settle(id: AddonId): Promise<void> {
    const busy = this.#busy.get(id)
    if (busy) {
      busy.again = true
      return busy.done
    }
    const turn = { done: Promise.resolve(), again: true }
    this.#busy.set(id, turn)
    turn.done = this.#workOff(id, turn)
    return turn.done
  }

  async #workOff(id: AddonId, turn: { again: boolean }): Promise<void> {
    const { signal } = this.#stopping
    try {
      while (turn.again && !signal.aborted) {
        turn.again = false
        const addon = this.#own.store.addons.find(id)
        if (addon) await this.#bringInLine(addon, signal).catch((cause: unknown) => this.#giveUp(addon, cause))
      }
    } catch (cause) {
      // A full disk takes no verdict; the patrol comes by again.
      this.#own.log.error({ addon: id, err: cause }, 'what became of an add-on is not on record')
    } finally {
      // At once with the last look at it, so that nobody asks in vain in between.
      this.#busy.delete(id)
    }
  }

  async #bringInLine(addon: Addon, signal: AbortSignal): Promise<void> {
    switch (addon.state.kind) {
      case 'provisioning':
        await runAddon(this.#own, addon, this.#serviceOf(addon), signal)
        return this.#recordProvisioned(addon)
      case 'provisioned': {
        const service = this.#serviceOf(addon)
        const container = await runAddon(this.#own, addon, service, signal)
        await this.#hold(addon, { ...service, container }, signal)
        return this.#work(addon, { ...service, container }, signal)
      }
      case 'failed':
        return this.#remove(addon)
      case 'deprovisioned':
        await this.#remove(addon)
        this.#own.store.addons.remove(addon.id)
        this.#own.log.info({ addon: addon.name, app: addon.appId }, 'add-on removed')
    }
  }

  /** Its app may only read one that another takes the place of, also after it was started again. */
  async #hold(addon: Addon, { service, container }: Running, signal: AbortSignal): Promise<void> {
    if (addon.held === 'no' || !service.scripts.includes('writes')) return
    await untilHealthy(this.#own, addon, container, signal)
    const isOff = addon.held === 'yes' || addon.fill === 'full'
    await runArchiveProgram(this.#own, container.id, { argv: ['writes', isOff ? 'off' : 'on'] }, signal)
    const { addons } = this.#own.store
    if (addon.held === 'ending' && addons.find(addon.id)?.held === 'ending') addons.setHeld(addon.id, 'no')
  }

  /** From here on it has its config vars: the release that brings them is made with it. */
  #recordProvisioned(addon: Addon): void {
    const { store } = this.#own
    const { service } = this.#serviceOf(addon)
    store.transaction(() => {
      if (store.addons.find(addon.id)?.state.kind !== 'provisioning') return
      const secrets = store.addons.secrets(addon.id)
      store.addons.setSecrets(addon.id, { ...secrets, config: configOf(addon, service, secrets) })
      store.addons.setState(addon.id, { kind: 'provisioned', work: null })
      this.#release(addon, ({ name }) => `Attach ${name} (@${addon.name})`)
    })
  }

  /** What was asked for of one that runs; done twice, it is as if done once. */
  async #work(addon: Addon, { service, container }: Running, signal: AbortSignal): Promise<void> {
    if (addon.state.kind !== 'provisioned' || addon.state.work === null) return
    const { store } = this.#own
    const { work } = addon.state
    const before = store.addons.secrets(addon.id)
    const password = before.next ?? before.password
    await untilHealthy(this.#own, addon, container, signal)
    const argv = [`${programsAt}/${work}`]
    const { code } = await this.#own.engine.execInService(
      container.id,
      { argv, env: work === 'rotate' ? { NEXT_PASSWORD: password } : {} },
      signal,
    )
    if (code !== 0) throw new PaasError('engine_unavailable', `${work} of ${addon.name} exited with ${code}.`)
    store.transaction(() => {
      if (store.addons.find(addon.id)?.state.kind !== 'provisioned') return
      store.addons.setState(addon.id, { kind: 'provisioned', work: null })
      if (work !== 'rotate') return
      const { next: _next, ...secrets } = { ...before, password }
      store.addons.setSecrets(addon.id, { ...secrets, config: configOf(addon, service, secrets) })
      this.#release(addon, ({ name }) => `Update ${name} by ${addon.service}`)
    })
  }

  #release(addon: Addon, describe: (attachment: { name: string }) => string): void {
    const { store, platformLog } = this.#own
    for (const attachment of store.addonAttachments.list({ addonId: addon.id })) {
      const app = store.apps.get(attachment.appId)
      if (!app || app.destroying) continue
      const release = createAddonRelease(store, app, { description: describe(attachment), accountId: addon.accountId })
      platformLog.api(app.id, `Release v${release.version} created: ${release.description}`)
      queueMicrotask(() => this.#converge(app.id))
    }
  }

  async #remove(addon: Addon): Promise<void> {
    for (const { id } of await containersOf(this.#own, addon)) await this.#own.engine.stopDyno(id, 0)
    for (const volume of [dataOf(addon), archiveVolume(addon)]) await this.#own.engine.removeVolume(volume)
  }

  /** @throws addon_failed */
  #serviceOf({ service: name, plan: planName }: Addon): { service: Service; plan: ServicePlan } {
    const service = serviceNamed(this.#read(), name)
    const plan = service && planNamed(service, planName)
    if (service && plan) return { service, plan }
    throw new PaasError('addon_failed', `There is no service ${name} with a plan ${planName} on this server any more.`)
  }

  async #putDoors(again: boolean): Promise<void> {
    if (!this.#stopping.signal.aborted) await this.#doors.put(this.#read(), again)
  }

  /** All that there are now. */
  #read(): Service[] {
    const { config, log } = this.#own
    return readServices(config.servicesDirectories, (problem) =>
      log.error({ err: problem }, 'a service cannot be read'),
    )
  }

  /** What passes by itself is tried again; one that was there stays, with all it has. */
  async #giveUp(addon: Addon, cause: unknown): Promise<void> {
    const { store, log, platformLog } = this.#own
    const { signal } = this.#stopping
    if (signal.aborted) return
    const error = asPaasError(cause)
    log.warn({ addon: addon.name, app: addon.appId, err: cause }, 'add-on not as it should be')
    const isWanted = store.addons.find(addon.id)?.state.kind === 'provisioning'
    if (isWanted && !isPassing(error)) {
      const reason = [error.message, error.hint].filter(Boolean).join(' ')
      store.addons.setState(addon.id, { kind: 'failed', reason })
      platformLog.api(addon.appId, `Add-on ${addon.name} could not be made: ${reason}`)
      return void this.#settle(addon.id)
    }
    if (!isPassing(error)) return
    const timer = setTimeout(() => void this.#settle(addon.id), patience)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
}

type Running = { service: Service; container: ServiceContainer }
type Heard = { id: string; appId: AppId; name: string; kind: string; addonId: AddonId }
