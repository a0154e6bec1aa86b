import { pipeline } from 'node:stream/promises'
import { Summed } from '../services/summed.ts'
import type { Engine } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import type { AddonId } from '../model/ids.ts'
import { bringBackAddon, type BringBackDeps } from '../services/bring-back.ts'
import { factsDiffer } from '../services/facts.ts'
import { hasArchive, archiveVolume, dataOf } from '../services/spec.ts'
import { serviceNamed } from '../model/service.ts'
import type { Store } from '../store/store.ts'
import { addonFile } from './addon-data.ts'
import type { Begun } from './begun.ts'
import type { StoredAddon } from './manifest.ts'
import type { Restic } from './restic.ts'

/** The record that was brought back, and what add-ons are made with. */
export type AddonHome = Omit<BringBackDeps, 'store'> & {
  engine: BringBackDeps['engine'] & Pick<Engine, 'listVolumes' | 'secureHost'>
  store: BringBackDeps['store'] & Pick<Store, 'addonBackups'>
}

/**
 * `problem`: why it did not come back; `doubt`: in what it differs from what was noted; `later`:
 * the backup target may have all that was written until it was lost, as of before this moment.
 */
export type RestoredAddon = Pick<StoredAddon, 'name' | 'service' | 'version' | 'takenAt' | 'bytes'> & {
  state: 'restored' | 'kept' | 'failed'
  app: string
  later?: Date
  problem?: string
  doubt?: string
  warnings: string[]
}

type Restoring = { restic: Restic; home: AddonHome; begun: Begun; say: (step: string) => void }

/**
 * Makes the add-ons anew, each with what it held. One that the engine still has stays as it is: it
 * is newer. One that does not come back is told, and keeps nobody from having the others.
 */
export async function restoreAddons(
  deps: Restoring,
  stored: StoredAddon[],
  signal: AbortSignal,
): Promise<RestoredAddon[]> {
  const { engine, store } = deps.home
  const present = new Set((await engine.listVolumes()).map(({ id }) => id))
  const all: RestoredAddon[] = []
  for (const one of stored) {
    const addon = store.addons.find(one.id as AddonId)
    if (!addon) continue // it was made after the record was copied
    const { name, service, version, takenAt, bytes } = one
    const told = { name, service, version, takenAt, bytes, app: store.apps.get(addon.appId)?.name ?? '' }
    if (present.has(dataOf(addon).id)) all.push({ ...told, state: 'kept', warnings: [] })
    else all.push({ ...told, ...(await restoreOne(deps, { addon, one }, signal)) })
  }
  return all
}

type Outcome = Pick<RestoredAddon, 'state' | 'problem' | 'doubt' | 'later' | 'warnings'>

async function restoreOne(
  { restic, home, begun, say }: Restoring,
  { addon, one }: { addon: Addon; one: StoredAddon },
  signal: AbortSignal,
): Promise<Outcome> {
  say(`restoring the add-on ${addon.name}`)
  try {
    for (const volume of [dataOf(addon), archiveVolume(addon)]) await begun.note(volume)
    const { facts, warnings } = await restic.read(one.snapshot, addonFile, {
      use: async (content) => {
        const copy = new Summed(one.sha256)
        const passed = pipeline(content, copy)
        passed.catch(() => undefined)
        // It is waited for to its end, also when the copy breaks off: it removes what it has made.
        const back = await bringBackAddon(home, addon, { copy, settings: one.settings }, signal)
        await passed
        return back
      },
      signal,
    })
    const later = beginArchiveAnew(home, addon)
    const doubt = one.facts && facts ? factsDiffer(one.facts, facts) : undefined
    return { state: 'restored', ...(doubt !== undefined && { doubt }), ...(later && { later }), warnings }
  } catch (cause) {
    signal.throwIfAborted()
    const { message, hint } = asPaasError(cause)
    return { state: 'failed', problem: hint ? `${message} ${hint}` : message, warnings: [] }
  }
}

/** What it had is at the backup target at most: here a full backup is due. */
function beginArchiveAnew({ store, services }: AddonHome, { id, service }: Addon): Date | undefined {
  const known = serviceNamed(services, service)
  if (!known || !hasArchive(known)) return undefined
  store.addonBackups.beginAnew(id)
  // Whether it has: the record may be older than the first that was stored.
  return store.addonBackups.archive(id).former?.until
}
