import { setTimeout as delay } from 'node:timers/promises'
import type { Stacks } from '../build/stacks.ts'
import type { Config } from '../config.ts'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonId, AppId } from '../model/ids.ts'
import { planNamed, serviceNamed, type ServicePlan, type Service } from '../model/service.ts'
import { shutdown } from '../model/stop-reasons.ts'
import { usualStack } from '../model/stack.ts'
import { createAddonRelease } from '../release/create.ts'
import type { Store } from '../store/store.ts'
import { readServices } from './definition.ts'
import { programsAt, serviceImage } from './image.ts'
import { configOf, dataOf, serviceSpec } from './spec.ts'

export type ServicesOptions = {
  engine: Pick<
    Engine,
    | 'findImage'
    | 'createImage'
    | 'runService'
    | 'listServices'
    | 'connectService'
    | 'execInService'
    | 'stopDyno'
    | 'createVolume'
    | 'removeVolume'
  >
  stacks: Stacks
  store: Pick<Store, 'addons' | 'addonAttachments' | 'apps' | 'transaction' | 'releases' | 'configVars'>
  platformLog: PlatformLog
  /** Copies what a container prints into its app's log. */
  collector: { follow(container: { id: string; appId: AppId; name: string }): void }
  config: Pick<Config, 'servicesDirectories'>
  log: Logger
}

/** Seconds in which a service has to answer, and milliseconds between two questions. */
const readiness = { seconds: 120, pause: 150 }
/** Milliseconds that a service has to write what it holds. */
const grace = 60_000
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
  #converge: (appId: AppId) => void = () => undefined

  constructor(options: ServicesOptions) {
    this.#own = options
  }

  /** @param converge releases what was recorded for an app */
  begin(converge: (appId: AppId) => void): void {
    this.#converge = converge
    this.wake()
  }

  /** Looks at every add-on, now or after what is under way. */
  wake(): void {
    for (const { id } of this.#own.store.addons.list()) void this.#settle(id)
  }

  /** What they print is read on, from where an earlier worker had come to. */
  async list(): Promise<ServiceContainer[]> {
    return this.#own.engine.listServices()
  }

  /** A container of one changed. */
  heard({ id, appId, name, kind, addonId }: Heard): void {
    if (kind === 'started') this.#own.collector.follow({ id, appId, name })
    else void this.#settle(addonId)
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
    turn.done = this.#workOff(id, turn).finally(() => this.#busy.delete(id))
    return turn.done
  }

  async #workOff(id: AddonId, turn: { again: boolean }): Promise<void> {
    const { signal } = this.#stopping
    while (turn.again && !signal.aborted) {
      turn.again = false
      const addon = this.#own.store.addons.find(id)
      if (!addon) return
      await this.#bringInLine(addon, signal).catch((cause: unknown) => this.#giveUp(addon, cause))
    }
  }

  async #bringInLine(addon: Addon, signal: AbortSignal): Promise<void> {
    switch (addon.state.kind) {
      case 'provisioning':
        await this.#run(addon, signal)
        return this.#recordProvisioned(addon)
      case 'provisioned': {
        const service = this.#serviceOf(addon)
        const container = await this.#run(addon, signal, service)
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

  /** Starts it if it does not run as it should. @returns its container, once it answers */
  async #run(addon: Addon, signal: AbortSignal, known = this.#serviceOf(addon)): Promise<ServiceContainer> {
    const { engine, stacks, store, log } = this.#own
    const app = store.apps.get(addon.appId)
    if (!app) throw new PaasError('app_not_found', 'The app was destroyed.')
    const { stack } = stacks(usualStack)
    const image = await serviceImage({ engine, stack }, known.service, (line) => log.debug({ line }, 'service image'))
    const attached = store.addonAttachments.list({ addonId: addon.id }).map(({ appId }) => appId)
    const appIds = [...new Set([addon.appId, ...attached])]
    const secrets = store.addons.secrets(addon.id)
    const spec = serviceSpec(addon, { ...known, image: image.digest }, { app: app.name, appIds, secrets })
    const present = await this.#containersOf(addon)
    const good = present.find(({ version, state }) => version === spec.version && comesBack(state))
    for (const other of present) if (other !== good) await engine.stopDyno(other.id, grace)
    if (good) {
      await engine.connectService(good, { appIds, host: addon.host })
      return good
    }
    // Only then: one that is lost later is not to be replaced by an empty one.
    if (spec.data && addon.state.kind === 'provisioning')
      await engine.createVolume({ id: addon.id, owner: addon.id, kind: 'service', name: addon.name })
    await engine.runService(spec, signal)
    const [container] = await this.#containersOf(addon)
    if (!container) throw new PaasError('engine_unavailable', `The add-on ${addon.name} went away.`)
    this.#own.collector.follow({ ...container, name: container.process })
    await this.#untilHealthy(addon, container, signal)
    log.info({ addon: addon.name, app: addon.appId }, 'add-on runs')
    return container
  }

  async #containersOf({ id }: Addon): Promise<ServiceContainer[]> {
    const all = await this.#own.engine.listServices()
    return all.filter(({ addonId }) => addonId === id)
  }

  /** @throws addon_failed */
  async #untilHealthy({ name, process }: Addon, { id }: ServiceContainer, signal: AbortSignal): Promise<void> {
    const end = performance.now() + readiness.seconds * 1000
    while (performance.now() < end) {
      const asked = await this.#own.engine.execInService(id, { argv: [`${programsAt}/health`] }, signal).catch(notYet)
      if (asked?.code === 0) return
      await delay(readiness.pause, undefined, { signal })
    }
    throw new PaasError('addon_failed', `${name} did not answer within ${readiness.seconds} s.`, {
      hint: `Its log says why: paas logs -d ${process}`,
    })
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
  async #work(
    addon: Addon,
    { service, container }: { service: Service; container: ServiceContainer },
    signal: AbortSignal,
  ): Promise<void> {
    if (addon.state.kind !== 'provisioned' || addon.state.work === null) return
    const { store } = this.#own
    const { work } = addon.state
    const before = store.addons.secrets(addon.id)
    const password = before.next ?? before.password
    await this.#untilHealthy(addon, container, signal)
    const argv = [`${programsAt}/${work}`]
    const { code } = await this.#own.engine.execInService(
      container.id,
      { argv, env: work === 'rotate' ? { NEXT_PASSWORD: password } : {} },
      signal,
    )
    if (code !== 0) throw new PaasError('engine_unavailable', `${work} of ${addon.name} exited with ${code}.`)
    store.transaction(() => {
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
    for (const { id } of await this.#containersOf(addon)) await this.#own.engine.stopDyno(id, 0)
    await this.#own.engine.removeVolume(dataOf(addon))
  }

  /** @throws addon_failed */
  #serviceOf({ service: name, plan: planName }: Addon): { service: Service; plan: ServicePlan } {
    const services = readServices(this.#own.config.servicesDirectories, (problem) =>
      this.#own.log.error({ err: problem }, 'a service cannot be read'),
    )
    const service = serviceNamed(services, name)
    const plan = service && planNamed(service, planName)
    if (service && plan) return { service, plan }
    throw new PaasError('addon_failed', `There is no service ${name} with a plan ${planName} on this server any more.`)
  }

  /** What passes by itself is tried again; one that was there stays, with all it has. */
  async #giveUp(addon: Addon, cause: unknown): Promise<void> {
    const { store, log, platformLog } = this.#own
    const { signal } = this.#stopping
    if (signal.aborted) return
    const error = asPaasError(cause)
    log.warn({ addon: addon.name, app: addon.appId, err: cause }, 'add-on not as it should be')
    if (addon.state.kind === 'provisioning' && !isPassing(error)) {
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

type Heard = { id: string; appId: AppId; name: string; kind: string; addonId: AddonId }

/** Those that the engine starts again, or that run. */
function comesBack({ kind }: ServiceContainer['state']): boolean {
  return kind === 'running' || kind === 'restarting'
}

/** It is just being started, or started again. */
function notYet(cause: unknown): undefined {
  if (asPaasError(cause).code !== 'not_found') throw cause
}
