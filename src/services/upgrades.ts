import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { asPaasError, isPassing, PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { longestHold, rehearsalAge, type AddonUpgrade } from '../model/addon-upgrade.ts'
import type { AddonId, AddonUpgradeId, AppId } from '../model/ids.ts'
import { planNamed, serviceNamed, type Service, type ServicePlan } from '../model/service.ts'
import { shutdown, stoppedInItsMidst } from '../model/stop-reasons.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import { Patience } from '../retry.ts'
import type { Store } from '../store/store.ts'
import { runArchiveProgram } from './archive.ts'
import { createAddon } from './create-addon.ts'
import { readServices } from './definition.ts'
import { awayInTheMidst } from './dumps.ts'
import { factsDiffer } from './facts.ts'
import type { ProveDeps } from './prove.ts'
import { rehearse } from './rehearse.ts'
import { switchOver } from './switch-over.ts'
import { removeTrials } from './trial.ts'

export type AddonUpgradesOptions = ProveDeps & {
  store: Store
  platformLog: PlatformLog
  config: Pick<Config, 'servicesDirectories' | 'backup' | 'packageSource'>
  /** Makes what is on record. */
  services: { wake(): void }
}

/** Milliseconds between two looks at the record. */
const pace = { asked: 1000, made: 150 }
/** Milliseconds for which a copy is tried again that something passing breaks off. */
const patience = 120_000

type Known = { addon: Addon; service: Service; plan: ServicePlan; container: string }

/**
 * Upgrades add-ons to another version, one at a time: on a copy first, then on a second one while
 * writes are held, which takes the place of the old one. Whatever fails, the old one goes on; what
 * a worker that was killed had begun has failed.
 */
export class AddonUpgrades implements AsyncDisposable {
  readonly #own: AddonUpgradesOptions
  readonly #stopping = new AbortController()
  readonly #patience = new Patience<AddonUpgradeId>(patience)
  #done: Promise<unknown> | undefined
  #converge: (appId: AppId) => void = () => undefined

  constructor(options: AddonUpgradesOptions) {
    this.#own = options
  }

  /** Once there is an engine; a second call is about nothing. */
  begin(converge: (appId: AppId) => void): void {
    if (this.#done) return
    this.#converge = converge
    for (const upgrade of this.#own.store.addonUpgrades.listOpen()) {
      if (upgrade.state.kind !== 'asked') this.#fail(upgrade, new PaasError('upgrade_failed', stoppedInItsMidst))
    }
    this.#done = this.#watch()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(shutdown)
    await this.#done
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping
    let isClean = false
    while (!signal.aborted) {
      try {
        // Also of one just tried: an engine that went away keeps what it should have removed.
        if (!isClean) await removeTrials(this.#own, 'rehearsal')
        const open = this.#own.store.addonUpgrades.listOpen()
        isClean = open.length === 0
        for (const upgrade of open) if (this.#patience.isDue(upgrade.id)) await this.#upgrade(upgrade)
      } catch (cause) {
        if (!signal.aborted) this.#own.log.warn({ err: cause }, 'a look at upgrades of add-ons failed')
      }
      await delay(pace.asked, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #upgrade(upgrade: AddonUpgrade): Promise<void> {
    const { store, log } = this.#own
    const known = await this.#known(upgrade.addonId)
    try {
      if (!known) throw new PaasError('engine_unavailable', 'The add-on does not run.')
      const rehearsed = recentRehearsal(store, upgrade) ?? (await this.#rehearse(upgrade, known))
      store.addonUpgrades.setRehearsed(upgrade.id, rehearsed)
      if (store.addonUpgrades.find(upgrade.id)?.state.kind === 'cancelled') return this.#patience.forget(upgrade.id)
      if (!upgrade.isRehearsal) await this.#replace(upgrade, known, rehearsed)
      else store.addonUpgrades.setState(upgrade.id, { kind: 'succeeded' })
      this.#patience.forget(upgrade.id)
      log.info({ addon: known.addon.name, app: known.addon.appId, rehearsed }, 'add-on upgraded, or tried')
    } catch (cause) {
      this.#stopping.signal.throwIfAborted()
      const now = store.addonUpgrades.find(upgrade.id)?.state.kind
      if (now === 'cancelled') return this.#patience.forget(upgrade.id)
      // Nobody waits for a copy that is tried: writes go on.
      const canWait = now !== 'holding' && isPassing(asPaasError(cause)) && this.#patience.isLeft(upgrade.id)
      if (canWait) throw cause
      this.#patience.forget(upgrade.id)
      this.#fail(upgrade, cause)
    }
  }

  /** @returns the seconds that it took */
  async #rehearse(upgrade: AddonUpgrade, known: Known): Promise<number> {
    const { store } = this.#own
    store.addonUpgrades.setState(upgrade.id, { kind: 'rehearsing' })
    const cancelled = new AbortController()
    const watching = this.#abortIfCancelled(upgrade.id, cancelled)
    const signal = AbortSignal.any([this.#stopping.signal, cancelled.signal])
    try {
      return await rehearse(this.#own, known, upgrade.version, signal)
    } finally {
      cancelled.abort()
      await watching
    }
  }

  async #abortIfCancelled(id: AddonUpgradeId, cancelled: AbortController): Promise<void> {
    while (!cancelled.signal.aborted) {
      await delay(pace.asked, undefined, { signal: cancelled.signal, ref: false }).catch(() => undefined)
      if (this.#own.store.addonUpgrades.find(id)?.state.kind === 'cancelled') cancelled.abort()
    }
  }

  /** From here on nobody cancels it. */
  async #replace(upgrade: AddonUpgrade, known: Known, rehearsed: number): Promise<void> {
    const { store, platformLog, services } = this.#own
    const { addon } = known
    const begun = performance.now()
    store.transaction(() => {
      if (store.addonUpgrades.find(upgrade.id)?.state.kind === 'cancelled')
        throw new PaasError('upgrade_failed', 'It was cancelled.')
      store.addonUpgrades.setState(upgrade.id, { kind: 'holding' })
      store.addons.setHeld(addon.id, 'yes')
    })
    const most = longestHold(rehearsed)
    platformLog.api(
      addon.appId,
      `${addon.name} is read-only while it becomes version ${upgrade.version}, for ${most} s at most`,
    )
    const made = await this.#within(most, (signal) => this.#makeUpgraded(upgrade, known, signal))
    const released = switchOver(store, upgrade, { addon, made: made.addon, service: known.service })
    const held = Math.round((performance.now() - begun) / 1000)
    platformLog.api(addon.appId, `${addon.name} is replaced by ${made.addon.name}; it was read-only for ${held} s`)
    services.wake()
    for (const { app, release } of released) {
      platformLog.api(app.id, `Release v${release.version} created: ${release.description}`)
      this.#converge(app.id)
    }
  }

  /** @throws upgrade_failed when the time is over: nobody waits longer than was announced */
  async #within<T>(seconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = AbortSignal.timeout(seconds * 1000)
    try {
      const done = await work(AbortSignal.any([this.#stopping.signal, limit]))
      limit.throwIfAborted()
      return done
    } catch (cause) {
      if (!limit.aborted) throw cause
      throw new PaasError('upgrade_failed', `It was not done in ${seconds} s, and writes are held no longer.`, {
        cause,
      })
    }
  }

  /** What holds all that the old one does, of which nobody can write any more. */
  async #makeUpgraded(upgrade: AddonUpgrade, known: Known, signal: AbortSignal): Promise<Known> {
    for (const argv of [['writes', 'off'], ['disconnect']] as const)
      await runArchiveProgram(this.#own, known.container, { argv: [...argv] }, signal)
    const made = await this.#makeFork(upgrade, known, signal)
    await this.#compare(known, made, signal)
    return made
  }

  async #makeFork(upgrade: AddonUpgrade, known: Known, signal: AbortSignal): Promise<Known> {
    const { store, services, config } = this.#own
    const { addon, service } = known
    const app = store.apps.get(addon.appId)
    if (!app) throw new PaasError('upgrade_failed', 'The app was destroyed.')
    const { user, database } = store.addons.secrets(addon.id)
    const from = { addonId: addon.id, moment: { kind: 'latest' as const }, version: addon.version ?? service.version }
    const { id } = store.transaction(() => {
      const fork = createAddon({ store, services: [service], config }, app, {
        plan: `${service.name}:${addon.plan}`,
        options: { ...Object.fromEntries(addon.extras.map((name) => [name, true])), version: upgrade.version },
        origin: from,
        secrets: { user, database },
        isAttached: false,
        accountId: upgrade.accountId ?? app.ownerId,
      })
      store.addonUpgrades.setFork(upgrade.id, fork.id)
      return fork
    })
    services.wake()
    for (;;) {
      const { state } = store.addons.find(id) ?? { state: { kind: 'failed' as const, reason: 'It is gone.' } }
      if (state.kind === 'failed') throw new PaasError('upgrade_failed', state.reason)
      const made = state.kind === 'provisioned' ? await this.#known(id) : undefined
      if (made) return made
      await delay(pace.made, undefined, { signal })
    }
  }

  /** @throws upgrade_failed where they differ, or somebody has written past the hold */
  async #compare(old: Known, made: Known, signal: AbortSignal): Promise<void> {
    const run = (container: string, name: string) => runArchiveProgram(this.#own, container, { argv: [name] }, signal)
    const after = await run(made.container, 'facts')
    if (made.service.scripts.includes('verify')) await run(made.container, 'verify')
    // At last: whoever has written past the hold until then is seen.
    const before = await run(old.container, 'facts')
    const differ = factsDiffer(before.split('\n'), after.split('\n'))
    if (differ === undefined) return
    throw new PaasError('upgrade_failed', `The new one does not hold what the old one does: ${differ}.`)
  }

  async #known(id: AddonId): Promise<Known | undefined> {
    const { store, engine, config, log } = this.#own
    const addon = store.addons.find(id)
    const services = readServices(config.servicesDirectories, (err) => log.error({ err }, 'a service cannot be read'))
    const service = addon && serviceNamed(services, addon.service)
    const plan = service && planNamed(service, addon.plan)
    const [container] = await engine.listServices({ addonId: id })
    if (!plan || container?.state.kind !== 'running' || addon.state.kind !== 'provisioned') return undefined
    return { addon, service, plan, container: container.id }
  }

  /** The old one is written again, and what was made goes. */
  #fail(upgrade: AddonUpgrade, cause: unknown): void {
    const { store, log, platformLog, services } = this.#own
    const { id, addonId, forkId } = upgrade
    const addon = store.addons.find(addonId)
    const reason = this.#reasonOf(upgrade, asPaasError(cause))
    log.warn({ addon: addon?.name, app: addon?.appId, err: cause, reason }, 'an add-on was not upgraded')
    store.transaction(() => {
      const fork = forkId ?? store.addonUpgrades.find(id)?.forkId
      if (fork && store.addons.find(fork)) store.addons.setState(fork, { kind: 'deprovisioned' })
      if (addon?.held === 'yes') store.addons.setHeld(addonId, 'ending')
      store.addonUpgrades.setState(id, { kind: 'failed', reason })
    })
    if (addon) platformLog.api(addon.appId, `${addon.name} was not upgraded, and goes on as it was: ${reason}`)
    services.wake()
    const made = store.addonUpgrades.find(id)?.forkId
    if (made) void this.#stop(made).catch((err: unknown) => log.warn({ err }, 'what was made for an upgrade runs on'))
  }

  /** With what to type next, where the same may succeed then. */
  #reasonOf({ addonId, isRehearsal }: AddonUpgrade, { code, message }: PaasError): string {
    const { store } = this.#own
    const addon = store.addons.find(addonId)
    const isAway = code === 'engine_unavailable'
    if (!addon || !(isAway || message === stoppedInItsMidst)) return message
    const command = `paas pg:upgrade${isRehearsal ? ':dryrun' : ''} ${addon.name} -a ${store.apps.get(addon.appId)?.name}`
    return `${isAway ? awayInTheMidst(addon.name) : stoppedInItsMidst} Try again with: ${command}`
  }

  /** What is being restored into it would go on for as long as it takes. */
  async #stop(addonId: AddonId): Promise<void> {
    const { engine } = this.#own
    for (const { id } of await engine.listServices({ addonId })) await engine.stopDyno(id, 0)
  }
}

function recentRehearsal({ addonUpgrades }: Pick<Store, 'addonUpgrades'>, of: AddonUpgrade): number | undefined {
  if (of.isRehearsal) return undefined
  const found = addonUpgrades
    .list(of.addonId)
    .find(({ isRehearsal, version, state }) => isRehearsal && version === of.version && state.kind === 'succeeded')
  const isRecent = found?.endedAt && Date.now() - found.endedAt.getTime() < rehearsalAge
  return isRecent ? (found.rehearsed ?? undefined) : undefined
}
