import type { Addon } from '../model/addon.ts'
import { runArchiveProgram } from './archive.ts'
import { untilHealthy } from './healthy.ts'
import type { ProveDeps } from './prove.ts'
import { restoreInto } from './restore.ts'
import { specOf } from './run-addon.ts'
import { startTrial, type Proven } from './trial.ts'

/**
 * Upgrades a copy of an add-on, as it is now, in a container that is thrown away, by all the steps
 * for which the writes of the add-on itself are held. Whatever image the upgraded one needs is
 * there then.
 * @returns the seconds that it took, without the making of images
 * @throws backup_failed with the service's reason, addon_failed
 */
export async function rehearse(
  deps: ProveDeps,
  { addon, service, plan }: Proven,
  version: string,
  signal: AbortSignal,
): Promise<number> {
  const origin = { addonId: addon.id, moment: { kind: 'latest' as const }, version: addon.version ?? service.version }
  const asked: Addon = { ...addon, version, origin, state: { kind: 'provisioning' } }
  // Their images: that with both versions, and that with the new one.
  for (const one of [asked, { ...asked, origin: null }]) await specOf(deps, one, { service, plan })
  const purpose = 'rehearsal'
  const begun = performance.now()
  await using trial = await startTrial(deps, { addon: asked, service, plan }, { restored: true, purpose }, signal)
  await restoreInto(deps, trial, origin, signal)
  await untilHealthy(deps, trial.copy, trial, signal)
  const upgraded = await trial.startAnew({ ...asked, origin: null })
  await untilHealthy(deps, trial.copy, upgraded, signal)
  // As it is compared then: each of the two, one after the other.
  for (const name of ['facts', 'facts', 'verify'])
    if (service.scripts.includes(name)) await runArchiveProgram(deps, upgraded.id, { argv: [name] }, signal)
  return (performance.now() - begun) / 1000
}
