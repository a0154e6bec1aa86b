import { randomUUID } from 'node:crypto'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import { newPassword, type Addon } from '../model/addon.ts'
import type { AddonId } from '../model/ids.ts'
import type { Service, ServicePlan } from '../model/service.ts'
import { specOf, type RunAddonDeps } from './run-addon.ts'
import { archiveVolume, dataOf, hasArchive } from './spec.ts'

export type TrialDeps = Omit<RunAddonDeps, 'engine'> & {
  engine: RunAddonDeps['engine'] & Pick<Engine, 'removeVolume' | 'listVolumes'>
}

export type Proven = { addon: Addon; service: Service; plan: ServicePlan }
/** `copy`: an add-on that nobody has, of which the container is. */
export type Trial = ServiceContainer & {
  copy: Addon
  /** Stops it, and starts one with the same data in the image of this add-on. */
  startAnew(addon: Addon): Promise<ServiceContainer>
}

/** Milliseconds that it has to write what it holds. */
const grace = 60_000

/** What a throw-away container is for, which the name of its process begins with. */
type Purpose = 'proof' | 'rehearsal'

/**
 * A container like the add-on's, confined as that is, with volumes of its own. Disposal removes all
 * of it.
 * @param restored it waits for what is restored into it, instead of making an empty one
 */
export async function startTrial(
  deps: TrialDeps,
  { addon, service, plan }: Proven,
  { restored, purpose = 'proof' }: { restored: boolean; purpose?: Purpose },
  signal: AbortSignal,
): Promise<Trial & AsyncDisposable> {
  const { engine } = deps
  const copy = copyOf(addon, purpose)
  const data = service.data ? dataOf(copy) : undefined
  const archive = hasArchive(service) ? archiveVolume(copy) : undefined
  const secrets = { SERVICE_BACKUP_KEY: '', SERVICE_PASSWORD: newPassword(), SERVICE_RESTORED: restored ? '1' : '' }
  const run = async (of: Addon): Promise<ServiceContainer> => {
    const spec = await specOf(deps, of, { service, plan })
    const own = { addonId: copy.id, process: copy.process, host: copy.host, data, archive }
    await engine.runService({ ...spec, ...own, appIds: [addon.appId], env: { ...spec.env, ...secrets } }, signal)
    const [container] = await engine.listServices({ addonId: copy.id })
    if (!container) throw new PaasError('engine_unavailable', 'The container of the proof went away.')
    return container
  }
  await using starting = new AsyncDisposableStack()
  starting.defer(async () => {
    for (const { id } of await engine.listServices({ addonId: copy.id })) await engine.stopDyno(id, 0)
    for (const volume of [dataOf(copy), archiveVolume(copy)]) await engine.removeVolume(volume)
  })
  if (data) await engine.createVolume({ id: copy.id, owner: copy.id, kind: 'service', name: copy.name })
  if (archive) await engine.createVolume({ id: archive.id, owner: copy.id, kind: 'backups', name: copy.name })
  const container = await run(addon)
  const startAnew = async (of: Addon): Promise<ServiceContainer> => {
    await engine.stopDyno(container.id, grace)
    return run(of)
  }
  const stack = starting.move()
  return { ...container, copy, startAnew, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Throws away what a worker that was killed has left. */
export async function removeTrials({ engine, store }: TrialDeps, purpose: Purpose = 'proof'): Promise<void> {
  for (const { id, addonId, process } of await engine.listServices()) {
    if (process.startsWith(`${purpose}.`) && !store.addons.find(addonId)) await engine.stopDyno(id, 0)
  }
  for (const { owner, id, kind, name } of await engine.listVolumes()) {
    const isTrial = (kind === 'service' || kind === 'backups') && name.startsWith(`${purpose}.`)
    if (isTrial && !store.addons.find(owner as AddonId)) await engine.removeVolume({ id, owner })
  }
}

/** The same in all that matters to its programs, and nobody's. */
function copyOf(addon: Addon, purpose: Purpose): Addon {
  const id = randomUUID() as AddonId
  const name = `${purpose}.${addon.process}`
  return {
    ...addon,
    id,
    name,
    process: name,
    host: `${purpose}-${id.slice(-12)}`,
    origin: { addonId: addon.id, moment: { kind: 'latest' } },
  }
}
