import type { Stacks } from '../build/stacks.ts'
import type { Config } from '../config.ts'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newBackupKey, type Addon, type AddonSecrets } from '../model/addon.ts'
import type { AppId } from '../model/ids.ts'
import type { Service, ServicePlan } from '../model/service.ts'
import { usualStack } from '../model/stack.ts'
import type { Store } from '../store/store.ts'
import { runsOrWill, untilHealthy } from './healthy.ts'
import { serviceImage } from './image.ts'
import { restoreInto } from './restore.ts'
import { serviceSpec } from './spec.ts'

export type RunAddonDeps = {
  engine: Pick<
    Engine,
    | 'findImage'
    | 'createImage'
    | 'runService'
    | 'listServices'
    | 'connectService'
    | 'endExec'
    | 'execInService'
    | 'stopDyno'
    | 'createVolume'
    | 'readFromService'
    | 'writeToService'
  >
  stacks: Stacks
  store: Pick<Store, 'addons' | 'addonAttachments' | 'addonBackups' | 'apps' | 'archiveFetches' | 'transaction'>
  config: Pick<Config, 'backup'>
  /** Copies what a container prints into its app's log. */
  collector: { follow(container: { id: string; appId: AppId; name: string }): void }
  log: Logger
}

/** Milliseconds that a service has to write what it holds. */
const grace = 60_000

/**
 * Starts an add-on if it does not run as it should, on the networks of the apps that it is attached
 * to.
 * @returns its container, which answers if it was started
 * @throws addon_failed, and volume_missing where its data is gone
 */
export async function runAddon(
  deps: RunAddonDeps,
  addon: Addon,
  known: { service: Service; plan: ServicePlan },
  signal: AbortSignal,
): Promise<ServiceContainer> {
  const container = await runAs(deps, addon, known, signal)
  if (versionsOf(addon, known.service).length === 1) return container
  // It was made where both versions are; from here on it needs its own alone.
  return runAs(deps, { ...addon, origin: null }, known, signal)
}

async function runAs(
  deps: RunAddonDeps,
  addon: Addon,
  known: { service: Service; plan: ServicePlan },
  signal: AbortSignal,
): Promise<ServiceContainer> {
  const { engine, collector, log } = deps
  const spec = await specOf(deps, addon, known)
  const present = await containersOf(deps, addon)
  const good = present.find(({ version, state }) => version === spec.version && runsOrWill(state))
  for (const other of present) if (other !== good) await engine.stopDyno(other.id, grace)
  if (good) {
    await engine.connectService(good, spec)
    if (addon.state.kind !== 'provisioning') return good
    // A worker that was killed has begun it.
    await fill(deps, addon, good, signal)
    await untilHealthy(deps, addon, good, signal)
    return good
  }
  // Only then: one that is lost later is not to be replaced by an empty one.
  if (spec.data && addon.state.kind === 'provisioning')
    await engine.createVolume({ id: addon.id, owner: addon.id, kind: 'service', name: addon.name })
  if (spec.archive) await engine.createVolume({ ...spec.archive, kind: 'backups', name: addon.name })
  await engine.runService(spec, signal)
  const [container] = await containersOf(deps, addon)
  if (!container) throw new PaasError('engine_unavailable', `The add-on ${addon.name} went away.`)
  collector.follow({ ...container, name: container.process })
  await fill(deps, addon, container, signal)
  await untilHealthy(deps, addon, container, signal)
  log.info({ addon: addon.name, app: addon.appId }, 'add-on runs')
  return container
}

/** A fork waits for what it is made from. */
async function fill(deps: RunAddonDeps, { origin, state }: Addon, container: ServiceContainer, signal: AbortSignal) {
  if (origin && state.kind === 'provisioning') await restoreInto(deps, container, origin, signal)
}

/** Its own, and that of what it is made from while it is. */
function versionsOf({ version, origin, state }: Addon, service: Service): string[] {
  const own = version ?? service.version
  const former = state.kind === 'provisioning' ? origin?.version : undefined
  return former === undefined || former === own ? [own] : [former, own]
}

export async function specOf(
  { engine, stacks, store, log }: RunAddonDeps,
  addon: Addon,
  known: { service: Service; plan: ServicePlan },
) {
  const app = store.apps.get(addon.appId)
  if (!app) throw new PaasError('app_not_found', 'The app was destroyed.')
  const { stack } = stacks(usualStack)
  const of = { service: known.service, extras: addon.extras, versions: versionsOf(addon, known.service) }
  const image = await serviceImage({ engine, stack }, of, (line) => log.debug({ line }, 'service image'))
  const attached = store.addonAttachments.list({ addonId: addon.id }).map(({ appId }) => appId)
  const appIds = [...new Set([addon.appId, ...attached])]
  return serviceSpec(
    addon,
    { ...known, image: image.digest },
    { app: app.name, appIds, secrets: secretsOf(store, addon) },
  )
}

/** With a key for its archive, also where there were none when it was made. */
function secretsOf(store: RunAddonDeps['store'], { id }: Addon): AddonSecrets {
  return store.transaction(() => {
    const present = store.addons.secrets(id)
    if (present.backupKey !== undefined) return present
    const secrets = { ...present, backupKey: newBackupKey() }
    store.addons.setSecrets(id, secrets)
    return secrets
  })
}

export async function containersOf(
  { engine }: Pick<RunAddonDeps, 'engine'>,
  { id }: Addon,
): Promise<ServiceContainer[]> {
  return engine.listServices({ addonId: id })
}
