import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonUse } from '../model/addon-figures.ts'
import type { WorkerFigures } from '../model/figures.ts'
import type { AddonId } from '../model/ids.ts'
import { planNamed, serviceNamed, type Service, type ServicePlan } from '../model/service.ts'
import type { Store } from '../store/store.ts'
import { readServices } from './definition.ts'
import { useOf } from './figures.ts'
import { addonFill } from './fill.ts'
import { programsAt } from './image.ts'

export type AddonMeterDeps = {
  engine: Pick<Engine, 'listServices' | 'execInService' | 'dynoUsage' | 'dataBytes' | 'freeDisk'>
  store: Pick<Store, 'addons'>
  platformLog: Pick<PlatformLog, 'dyno'>
  config: Pick<Config, 'servicesDirectories' | 'patrol'>
  log: Logger
}

/** Add-ons that are looked at at once. */
const atOnce = 4

/**
 * Looks regularly at what add-ons take. No engine limits the disk of one; so the app's log warns at
 * 90 %, and one that is over its plan is made read-only until there is room again.
 */
export class AddonMeter {
  readonly #deps: AddonMeterDeps
  #last = new Map<AddonId, AddonUse>()

  constructor(deps: AddonMeterDeps) {
    this.#deps = deps
  }

  /** Of those that are there, at the last look. */
  figures(): WorkerFigures['addons'] {
    return Object.fromEntries(
      [...this.#last].map(([id, use]) => [id, { ...use, since: use.since?.toISOString() ?? null }]),
    )
  }

  /** Until the signal. */
  async watch(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#deps
    while (!signal.aborted) {
      await delay(config.patrol.everySeconds * 1000, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      await this.look(signal).catch((cause: unknown) => log.warn({ err: cause }, 'add-ons could not be measured'))
    }
  }

  async look(signal: AbortSignal): Promise<void> {
    const { store, engine, log } = this.#deps
    const waiting = store.addons.list().filter(({ state }) => state.kind === 'provisioned')
    const services = waiting.length === 0 ? [] : this.#services()
    const containers = Map.groupBy(await engine.listServices(), ({ addonId }) => addonId)
    const free = await engine.freeDisk()
    const found = new Map<AddonId, AddonUse>()
    const lookOn = async (): Promise<void> => {
      for (let addon = waiting.pop(); addon && !signal.aborted; addon = waiting.pop()) {
        const { id, name } = addon
        const seen = { container: containers.get(id)?.[0], free, services }
        const use = await this.#measure(addon, seen, signal).catch((cause: unknown) => {
          log.warn({ err: cause, addon: name }, 'an add-on could not be measured')
          return undefined
        })
        if (use) found.set(id, use)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lookOn))
    this.#last = found
  }

  async #measure(
    addon: Addon,
    { container, free, services }: Seen,
    signal: AbortSignal,
  ): Promise<AddonUse | undefined> {
    const service = serviceNamed(services, addon.service)
    const plan = service && planNamed(service, addon.plan)
    if (!service || !plan) return undefined
    const use = await useOf(this.#deps, { addon, container }, signal)
    if (service.data && plan.diskMiB > 0 && use.diskBytes !== null) {
      await this.#hold(addon, { service, plan, container, bytes: use.diskBytes, free }, signal)
    }
    return use
  }

  /** Done again at each look as long as it is full: it may have been started again meanwhile. */
  async #hold(addon: Addon, { service, plan, container, bytes, free }: Held, signal: AbortSignal): Promise<void> {
    const { store, engine, platformLog } = this.#deps
    const { fill, shared } = addonFill(addon.fill, { bytes, limitMiB: plan.diskMiB, free })
    const changes = fill !== addon.fill
    if (fill === 'full' || addon.fill === 'full') {
      if (!service.scripts.includes('writes')) return
      // Not on record before it is so: of one that is just started again, at the next look.
      if (container?.state.kind !== 'running') return store.addons.recordBytes(addon.id, { bytes, fill: addon.fill })
      const argv = [`${programsAt}/writes`, fill === 'full' || addon.held === 'yes' ? 'off' : 'on']
      const { code, output } = await engine.execInService(container.id, { argv }, signal)
      if (code !== 0)
        throw new PaasError(
          'engine_unavailable',
          `writes of ${addon.name} exited with ${code}: ${output.slice(0, 200)}`,
        )
    }
    store.addons.recordBytes(addon.id, { bytes, fill })
    const text = changes && saying(addon, { fill, shared, use: `${Math.ceil(bytes / 2 ** 20)} of ${plan.diskMiB} MiB` })
    if (text) platformLog.dyno({ appId: addon.appId, name: addon.process }, text)
  }

  #services(): Service[] {
    const { config, log } = this.#deps
    return readServices(config.servicesDirectories, (problem) =>
      log.error({ err: problem }, 'a service cannot be read'),
    )
  }
}

type Seen = { container: ServiceContainer | undefined; free: number | undefined; services: Service[] }
type Held = {
  service: Service
  plan: ServicePlan
  container: ServiceContainer | undefined
  bytes: number
  free: number | undefined
}

/** What the app's log says of a change. */
function saying(
  { name, fill: before }: Addon,
  { fill, shared, use }: { fill: Addon['fill']; shared: boolean; use: string },
): string | undefined {
  if (fill === 'full') {
    const why = shared ? `the server's disk is full: ${name} has ${use}` : `${name} has ${use}`
    const hint = shared
      ? 'The operator has to make room'
      : `Make room, or take a larger plan: paas addons:upgrade ${name} PLAN`
    return `Error L21 (Disk full): ${why}, and is read-only from now on. ${hint}`
  }
  if (before === 'full') return `${name} has ${use}, and can be written again`
  if (fill === 'near') return `Error L20 (Disk nearly full): ${name} has ${use}. At the limit it becomes read-only`
  return undefined
}
