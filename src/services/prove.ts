import { randomUUID } from 'node:crypto'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { newPassword, type Addon } from '../model/addon.ts'
import type { AddonBackup } from '../model/addon-backup.ts'
import type { AddonId } from '../model/ids.ts'
import type { Service, ServicePlan } from '../model/service.ts'
import { runArchiveProgram } from './archive.ts'
import { restoreInto, type RestoreDeps } from './restore.ts'
import { specOf, untilHealthy, type RunAddonDeps } from './run-addon.ts'
import { archiveVolume, dataOf } from './spec.ts'

export type ProveDeps = Omit<RunAddonDeps, 'engine' | 'store'> &
  RestoreDeps & {
    engine: RunAddonDeps['engine'] & Pick<Engine, 'removeVolume' | 'listVolumes' | 'stopDyno'>
    store: RunAddonDeps['store']
  }

/** What names the process of a throw-away container. */
const proofProcess = 'proof.'

/**
 * Restores a backup into a container that is thrown away, lets the service look through it, and
 * compares what is inside with what was noted when the backup was made.
 * @throws backup_damaged that says what is wrong
 */
export async function proveBackup(
  deps: ProveDeps,
  { addon, service, plan }: { addon: Addon; service: Service; plan: ServicePlan },
  backup: AddonBackup,
  signal: AbortSignal,
): Promise<void> {
  if (backup.state.kind !== 'succeeded') throw new PaasError('backup_missing', `There is no backup of ${addon.name}.`)
  const { noted, label } = backup.state
  const copy = copyOf(addon)
  await using trial = await startTrial(deps, { addon, copy, service, plan }, signal)
  try {
    const moment = noted ? { kind: 'mark' as const, mark: noted.mark, label } : { kind: 'latest' as const, label }
    await restoreInto(deps, trial, { addonId: addon.id, moment, asIfLost: true }, signal)
    await untilHealthy(deps, copy, trial, signal)
    const facts = noted && (await runArchiveProgram(deps, trial.id, { argv: ['facts'] }, signal))
    if (facts !== (noted && noted.facts)) throw new PaasError('backup_damaged', difference(noted?.facts, facts))
    if (service.scripts.includes('verify')) await runArchiveProgram(deps, trial.id, { argv: ['verify'] }, signal)
  } catch (cause) {
    signal.throwIfAborted()
    const reason = cause instanceof PaasError ? cause.message : String(cause)
    throw new PaasError('backup_damaged', reason, { cause })
  }
}

/** Throws away what a worker that was killed has left. */
export async function removeTrials({ engine, store }: ProveDeps): Promise<void> {
  for (const { id, addonId, process } of await engine.listServices()) {
    if (process.startsWith(proofProcess) && !store.addons.find(addonId)) await engine.stopDyno(id, 0)
  }
  for (const { owner, id, kind, name } of await engine.listVolumes()) {
    const isTrial = (kind === 'service' || kind === 'backups') && name.startsWith(proofProcess)
    if (isTrial && !store.addons.find(owner as AddonId)) await engine.removeVolume({ id, owner })
  }
}

/** The same in all that matters to its programs, and nobody's. */
function copyOf(addon: Addon): Addon {
  const id = randomUUID() as AddonId
  const name = `${proofProcess}${addon.process}`
  return {
    ...addon,
    id,
    name,
    process: name,
    host: `proof-${id.slice(-12)}`,
    origin: { addonId: addon.id, moment: { kind: 'latest' } },
  }
}

type Trial = { addon: Addon; copy: Addon; service: Service; plan: ServicePlan }

async function startTrial(deps: ProveDeps, { addon, copy, service, plan }: Trial, signal: AbortSignal) {
  const { engine } = deps
  const spec = await specOf(deps, addon, { service, plan })
  const archive = archiveVolume(copy)
  const remove = async (): Promise<void> => {
    for (const { id } of await engine.listServices({ addonId: copy.id })) await engine.stopDyno(id, 0)
    for (const volume of [dataOf(copy), archive]) await engine.removeVolume(volume)
  }
  await using starting = new AsyncDisposableStack()
  starting.defer(remove)
  await engine.createVolume({ id: copy.id, owner: copy.id, kind: 'service', name: copy.name })
  await engine.createVolume({ id: archive.id, owner: copy.id, kind: 'backups', name: copy.name })
  const env = { ...spec.env, SERVICE_RESTORED: '1', SERVICE_BACKUP_KEY: '', SERVICE_PASSWORD: newPassword() }
  const own = { addonId: copy.id, process: copy.process, host: copy.host, data: dataOf(copy), archive }
  await engine.runService({ ...spec, ...own, appIds: [addon.appId], env }, signal)
  const [container] = await engine.listServices({ addonId: copy.id })
  if (!container) throw new PaasError('engine_unavailable', 'The container of the proof went away.')
  const stack = starting.move()
  return { ...container, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** The first line that differs, which names a table or what else is counted. */
function difference(noted: string | undefined, found: string | null): string {
  const [wanted, got] = [noted, found].map((text) => (text ?? '').split('\n'))
  const missing = wanted?.find((line) => !got?.includes(line))
  const more = got?.find((line) => !wanted?.includes(line))
  const shown = (line: string | undefined): string =>
    line ? `"${line.replaceAll('\t', ' ').slice(0, 120)}"` : 'nothing'
  return `What was restored is not what was backed up: ${shown(more)} in place of ${shown(missing)}.`
}
