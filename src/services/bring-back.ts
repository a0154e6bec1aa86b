import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'
import type { VolumeKey } from '../engine/volumes.ts'
import { asPaasError, PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { planNamed, serviceNamed, type Service, type ServicePlan } from '../model/service.ts'
import { addonFacts, loadAddon } from './dumps.ts'
import { untilHealthy } from './healthy.ts'
import { runProgram } from './programs.ts'
import { containersOf, specOf, type RunAddonDeps } from './run-addon.ts'
import { archiveVolume, dataOf } from './spec.ts'

/** Of the removal of a volume that somebody uses, and milliseconds between two. */
const mostTries = 100
const pause = 100

export type BringBackDeps = RunAddonDeps & {
  engine: RunAddonDeps['engine'] & Pick<Engine, 'removeVolume' | 'streamInService'>
  services: Service[]
}

/** What a dump was taken of: `settings` are what `configure` told. */
type Kept = { copy: Readable; settings: Record<string, string> }

/** `facts`: what is inside now; null where the service does not say. */
export type BroughtBack = { facts: string[] | null; warnings: string[] }

/**
 * Makes an add-on anew that an engine does not have, with what a dump has: the same in all that its
 * apps know of it. Its archive begins anew too. It runs from then on.
 * @throws addon_failed, dump_unusable; then nothing of it is left
 */
export async function bringBackAddon(
  deps: BringBackDeps,
  addon: Addon,
  { copy, settings }: Kept,
  signal: AbortSignal,
): Promise<BroughtBack> {
  const known = knownOf(deps, addon)
  const { scripts } = known.service
  await using making = new AsyncDisposableStack()
  making.defer(() => remove(deps, addon))
  await startEmpty(deps, addon, known, signal)
  const warnings = await loadAddon(deps, addon, { copy }, signal)
  for (const [name, value] of Object.entries(settings)) {
    const env = { NAME: name, VALUE: value }
    await runProgram(deps, { id: addon.id, program: 'configure', env }, signal)
  }
  const facts = scripts.includes('facts') ? await addonFacts(deps, addon, signal) : null
  making.move()
  return { facts, warnings }
}

/** What an owner has set of an add-on, beside its data. */
export async function settingsOfAddon(
  deps: { engine: Pick<Engine, 'listServices' | 'streamInService'> },
  { id }: Pick<Addon, 'id'>,
  { scripts }: Pick<Service, 'scripts'>,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (!scripts.includes('configure')) return {}
  const printed = await runProgram(deps, { id, program: 'configure', env: {} }, signal)
  const pairs = printed.split('\n').filter((line) => line.includes('\t'))
  return Object.fromEntries(pairs.map((line) => line.split('\t', 2) as [string, string]))
}

type Known = { service: Service; plan: ServicePlan }

/** @throws addon_failed */
function knownOf({ services }: BringBackDeps, { service: name, plan: planName }: Addon): Known {
  const service = serviceNamed(services, name)
  const plan = service && planNamed(service, planName)
  if (service && plan) return { service, plan }
  throw new PaasError('addon_failed', `There is no service ${name} with a plan ${planName} on this server.`)
}

async function startEmpty(deps: BringBackDeps, addon: Addon, known: Known, signal: AbortSignal): Promise<void> {
  const { engine } = deps
  const spec = await specOf(deps, addon, known)
  const { id: owner, name } = addon
  if (spec.data) await engine.createVolume({ id: spec.data.id, owner, kind: 'service', name })
  if (spec.archive) await engine.createVolume({ id: spec.archive.id, owner, kind: 'backups', name })
  // It waits for no archive, even where it was made of one.
  await engine.runService({ ...spec, env: { ...spec.env, SERVICE_RESTORED: '' } }, signal)
  const [container] = await containersOf(deps, addon)
  if (!container) throw new PaasError('engine_unavailable', `The add-on ${name} went away.`)
  await untilHealthy(deps, addon, container, signal)
}

async function remove({ engine }: BringBackDeps, addon: Addon): Promise<void> {
  for (const { id } of await containersOf({ engine }, addon)) await engine.stopDyno(id, 0)
  for (const volume of [dataOf(addon), archiveVolume(addon)]) await removeWhenFree(engine, volume)
}

/** A container that was made for it may be on its way out still. */
export async function removeWhenFree(engine: Pick<Engine, 'removeVolume'>, volume: VolumeKey): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await engine.removeVolume(volume)
    } catch (cause) {
      if (asPaasError(cause).code !== 'volume_in_use' || tries === mostTries) throw cause
      await delay(pause)
    }
  }
}
