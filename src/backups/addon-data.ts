import { pipeline } from 'node:stream/promises'
import type { Engine } from '../engine/engine.ts'
import { Summed } from '../services/summed.ts'
import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { serviceNamed, type Service } from '../model/service.ts'
import { settingsOfAddon } from '../services/bring-back.ts'
import { dumpWithFacts } from '../services/dump-with-facts.ts'
import { damaged } from './damaged.ts'
import type { StoredAddon } from './manifest.ts'
import type { Restic, Stored } from './restic.ts'
import { storeEach, type Kept } from './store-each.ts'
import { digestOf } from './sums.ts'
import { dataTag } from './volume-data.ts'

type Storing = {
  restic: Restic
  host: string
  engine: Pick<Engine, 'listServices' | 'streamInService' | 'endExec'>
  services: Service[]
  say: (step: string) => void
}

export const addonFile = 'addon.dump'
/** Ends what a backup that was killed has left running beside a service. */
const session = 'server-backup'

/**
 * Stores what add-ons hold, as their services dump it, each read back and compared. One that cannot
 * be dumped is told and keeps nobody from having the rest; one that is being made, or whose service
 * keeps nothing, has nothing to store.
 */
export async function storeAddons(deps: Storing, addons: Addon[], signal: AbortSignal): Promise<Kept<StoredAddon>> {
  const serviceOf = ({ service }: Addon): Service | undefined => serviceNamed(deps.services, service)
  const all = addons.filter((addon) => addon.state.kind === 'provisioned' && serviceOf(addon)?.data !== false)
  const named = ({ name }: Addon): string => `the data of the add-on ${name}`
  const store = (addon: Addon) => storeAddon(deps, addon, serviceOf(addon), signal)
  return storeEach(all, { named, store }, signal)
}

/** @throws dump_failed, backup_damaged */
async function storeAddon(
  deps: Storing,
  addon: Addon,
  service: Service | undefined,
  signal: AbortSignal,
): Promise<{ stored: Stored; one: StoredAddon }> {
  const { restic, host } = deps
  const { id, name, plan, extras } = addon
  deps.say(`storing the add-on ${name}`)
  if (!service) throw new PaasError('dump_failed', `There is no service ${addon.service} on this server any more.`)
  if (!service.scripts.includes('dump')) {
    throw new PaasError('dump_failed', `Its service, ${service.name}, has no program "dump".`)
  }
  const [container] = await deps.engine.listServices({ addonId: id })
  if (container?.state.kind !== 'running') throw new PaasError('dump_failed', `${name} is not running.`)
  await deps.engine.endExec(container.id, session)
  const settings = await settingsOfAddon(deps, addon, service, signal)
  const takenAt = new Date().toISOString()
  const summed = new Summed()
  const { stored, facts, untold } = await dumpWithFacts(
    deps,
    { addon, service },
    {
      session,
      store: async (dump) => {
        const passed = pipeline(dump, summed)
        passed.catch(() => undefined) // whoever reads is told
        return restic.storeStream(summed, { file: addonFile, tag: `${dataTag},${id}`, host }, signal)
      },
    },
    signal,
  )
  if (untold !== undefined) deps.say(`${name}: ${untold}`)
  const { bytes, sha256 } = summed
  const found = await restic.read(stored.snapshot, addonFile, { use: digestOf, signal })
  if (found !== sha256) throw damaged(`what the add-on ${name} holds is not what was stored`)
  const serviceName = service.name
  const version = addon.version ?? service.version
  const made = { service: serviceName, version, plan, extras }
  return { stored, one: { id, name, ...made, takenAt, snapshot: stored.snapshot, bytes, sha256, facts, settings } }
}
