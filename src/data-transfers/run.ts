import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { PaasError } from '../errors.ts'
import type { Addon } from '../model/addon.ts'
import { transferName, type DataTransfer, type StoredBackup } from '../model/data-transfer.ts'
import type { AddonId } from '../model/ids.ts'
import { serviceNamed } from '../model/service.ts'
import { download } from '../outbound/download.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { readServices } from '../services/definition.ts'
import { dumpWithFacts, type Inside } from '../services/dump-with-facts.ts'
import { dumpAddon, loadAddon } from '../services/dumps.ts'
import { hasArchive } from '../services/spec.ts'
import type { Store } from '../store/store.ts'
import { Summed } from '../services/summed.ts'
import type { BackupStorage } from './storage.ts'

export type TransferParts = {
  engine: Pick<Engine, 'listServices' | 'streamInService' | 'execInService' | 'endExec'>
  store: Pick<Store, 'addons' | 'dataTransfers'>
  storage: BackupStorage
  /** Where what is downloaded lies until it is loaded. */
  scratch: BackupStorage
  outbound: Outbound
  config: Pick<Config, 'servicesDirectories'>
}

/** Bytes and milliseconds of a dump that is downloaded. */
const downloads = { most: 1024 * 2 ** 30, within: 24 * 3600_000 }
/** Milliseconds between two notes of how far one is. */
const pace = 1000

/**
 * Carries one out to its end.
 * @returns of a backup, where it is: it was read back and is what was written
 * @throws what keeps it from its end; then what it would have changed is as it was
 */
export async function runTransfer(
  parts: TransferParts,
  transfer: DataTransfer,
  signal: AbortSignal,
): Promise<StoredBackup | null> {
  switch (transfer.kind) {
    case 'backup':
      return backUp(parts, transfer, signal)
    case 'restore':
      await restore(parts, transfer, signal)
      return null
    case 'copy': {
      const from = addonOf(parts, transfer.from)
      say(parts, transfer, `copying ${from.name} to ${transfer.to.name}`)
      await load(parts, transfer, { copy: await dumpAddon(parts, from, signal, { session: transfer.id }), signal })
      return null
    }
  }
}

async function backUp(parts: TransferParts, transfer: DataTransfer, signal: AbortSignal): Promise<StoredBackup> {
  const { storage } = parts
  const from = addonOf(parts, transfer.from)
  const store = async (content: Readable): Promise<{ place: string; measured: Summed }> => {
    say(parts, transfer, `dumping ${from.name}`)
    const { measured, passed } = measure(parts, transfer, { content })
    const place = await storage.store(transfer.id, measured, signal)
    await passed
    return { place, measured }
  }
  const of = { addon: from, service: { scripts: scriptsOf(parts, from) } }
  const { stored, ...inside } = await dumpWithFacts(parts, of, { session: transfer.id, store }, signal)
  note(parts, transfer, inside)
  const { place, measured } = stored
  say(parts, transfer, `reading back ${measured.bytes} bytes`)
  try {
    await readBack(storage.read(place, signal), measured)
  } catch (cause) {
    await storage.remove([place], signal).catch(() => undefined)
    throw cause
  }
  say(parts, transfer, 'what is stored is what was dumped')
  return { place, sha256: measured.sha256 }
}

/** None of a service with an archive, which is what is proven of it, and compared. */
function scriptsOf({ config }: TransferParts, { service: name }: Addon): string[] {
  const service = serviceNamed(
    readServices(config.servicesDirectories, () => undefined),
    name,
  )
  return service && !hasArchive(service) ? service.scripts : []
}

/** What there is to compare the backup with when it is proven. */
function note(parts: TransferParts, transfer: DataTransfer, { facts, untold, position }: Inside): void {
  const { dataTransfers } = parts.store
  if (position !== undefined) dataTransfers.notePosition(transfer.id, position)
  if (facts) dataTransfers.noteFacts(transfer.id, facts)
  if (untold !== undefined) say(parts, transfer, untold)
}

/** @throws backup_damaged */
async function readBack(content: Readable, { sha256 }: Summed): Promise<void> {
  const compared = new Summed(sha256)
  compared.resume()
  await pipeline(content, compared)
}

async function restore(parts: TransferParts, transfer: DataTransfer, signal: AbortSignal): Promise<void> {
  const { store, storage, scratch, outbound } = parts
  addonOf(parts, transfer.to)
  const url = store.dataTransfers.sourceOf(transfer.id)
  if (url === undefined) {
    const { stored, name } = backupOf(parts, transfer)
    say(parts, transfer, `loading ${name} into ${transfer.to.name}`)
    const read = storage.read(stored.place, signal)
    return load(parts, transfer, { copy: read, expected: stored.sha256, signal })
  }
  say(parts, transfer, `downloading ${transfer.from.name}`)
  // A database that is filled slowly would be too slow a reader for some servers.
  const place = await scratch.store(transfer.id, await download(outbound, { url, ...downloads }, signal), signal)
  try {
    say(parts, transfer, `loading it into ${transfer.to.name}`)
    await load(parts, transfer, { copy: scratch.read(place, signal), signal })
  } finally {
    await scratch.remove([place], signal)
  }
}

/** @throws backup_missing */
function backupOf({ store }: TransferParts, { backupId }: DataTransfer): { stored: StoredBackup; name: string } {
  const backup = backupId === null ? undefined : store.dataTransfers.find(backupId)
  const stored = backup?.state.kind === 'succeeded' ? backup.state.stored : null
  if (backup && stored) return { stored, name: transferName(backup) }
  throw new PaasError('backup_missing', 'The backup is not there any more.')
}

type Loading = { copy: Readable; expected?: string; signal: AbortSignal }

async function load(parts: TransferParts, transfer: DataTransfer, { copy, expected, signal }: Loading): Promise<void> {
  const to = addonOf(parts, transfer.to)
  const { measured, passed } = measure(parts, transfer, { content: copy, expected })
  const warnings = await loadAddon(parts, to, { copy: measured, id: transfer.id }, signal)
  await passed
  for (const warning of warnings) say(parts, transfer, `left out: ${warning}`)
  parts.store.dataTransfers.setProgress(transfer.id, { warnings: warnings.length })
}

type Measuring = { content: Readable; expected?: string | undefined }

/** Notes how far it is, while somebody reads it. */
function measure({ store }: TransferParts, { id }: DataTransfer, { content, expected }: Measuring) {
  const measured = new Summed(expected)
  const note = (): void => store.dataTransfers.setProgress(id, { bytes: measured.bytes })
  const timer = setInterval(note, pace)
  const passed = pipeline(content, measured).finally(() => {
    clearInterval(timer)
    note()
  })
  passed.catch(() => undefined)
  return { measured, passed }
}

function say({ store }: TransferParts, { id }: DataTransfer, message: string): void {
  store.dataTransfers.addLine(id, message)
}

/** @throws addon_not_found */
function addonOf({ store }: TransferParts, { addonId, name }: { addonId: AddonId | null; name: string }): Addon {
  const addon = addonId === null ? undefined : store.addons.find(addonId)
  if (addon?.state.kind === 'provisioned') return addon
  throw new PaasError('addon_not_found', `The add-on ${name} is not there.`)
}
