import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, ServiceContainer } from '../engine/engine.ts'
import { asPaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { AddonId } from '../model/ids.ts'
import { bringIntoArchive } from '../services/archive.ts'
import type { Store } from '../store/store.ts'
import { lostTarget } from './explain-restic.ts'
import { fetchArchive } from './fetch-archive.ts'
import { Outage } from './outage.ts'
import type { Rclone } from './rclone.ts'
import { archiveIdOf, filesOf, shipFiles, type ShipDeps } from './ship-archive.ts'
import { readShipped, writeShipped, type ArchiveFile, type Shipped } from './shipped.ts'

export type ArchiveStoreDeps = ShipDeps & {
  engine: Pick<Engine, 'execInService' | 'readFromService' | 'writeToService' | 'listServices'>
  rclone: Rclone
  store: Pick<Store, 'addons' | 'addonBackups' | 'archiveFetches'>
  /** How long what is no longer in an archive stays at the target. */
  keepDays: number
  log: Logger
}

/** Milliseconds between two looks at the archives, and at what is wanted from the target. */
const pace = { ship: 15_000, fetch: 500 }
/** Rounds between two looks at all files of an archive: else at those that are new. */
const roundsPerWhole = 40
/** Milliseconds for which clocks and file systems are not trusted. */
const overlap = 120_000

/** Of each add-on: what is at the target, and when its archive was looked at last. */
type Known = { shipped: Shipped; lookedAt: Date | undefined }

/**
 * Keeps the archives of add-ons at the backup target too, until the signal: what is new is stored
 * there and read back. What goes from an archive stays there for long, whoever removed it.
 */
export async function storeArchives(deps: ArchiveStoreDeps, signal: AbortSignal): Promise<void> {
  await Promise.all([repeat(signal, pace.fetch, () => fetchAll(deps, signal)), shipForever(deps, signal)])
}

async function shipForever(deps: ArchiveStoreDeps, signal: AbortSignal): Promise<void> {
  const [known, outage] = [new Map<AddonId, Known>(), new Outage()]
  let round = 0
  await repeat(signal, pace.ship, async () => {
    const isWhole = round++ % roundsPerWhole === 0
    const containers = await deps.engine.listServices()
    for (const { id } of deps.store.addons.list()) {
      const container = containers.find(({ addonId, state }) => addonId === id && state.kind === 'running')
      const isBegun = deps.store.addonBackups.list(id).some(({ state }) => state.kind === 'succeeded')
      if (container && isBegun) await shipOne(deps, { known, outage, container, isWhole }, signal)
    }
  })
}

type Round = { known: Map<AddonId, Known>; outage: Outage; container: ServiceContainer; isWhole: boolean }

/** Its archive goes on whatever the target does. */
async function shipOne(
  deps: ArchiveStoreDeps,
  { known, outage, container, isWhole }: Round,
  signal: AbortSignal,
): Promise<void> {
  const { addonId } = container
  const { store, log } = deps
  try {
    const { until, hole } = await bringIntoArchive(deps, container.id, signal)
    store.addonBackups.setArchive(addonId, { until, hole })
    outage.check()
    const one = await knownOf(deps, known, container, signal)
    checkPresence(deps, addonId, one.shipped)
    const lookAt = new Date()
    const since = isWhole || !one.lookedAt ? undefined : new Date(one.lookedAt.getTime() - overlap)
    const files = await filesOf(deps, container.id, { since }, signal)
    const count = await shipFiles(deps, { addonId, container: container.id, files, shipped: one.shipped }, signal)
    one.lookedAt = lookAt
    if (!since) await forgetGone(deps, addonId, { files, shipped: one.shipped }, signal)
    if (!since || count > 20) await writeShipped(fileOf(deps, addonId), one.shipped)
    // Where there was nothing to store, nobody has asked it.
    if (outage.isOn && count === 0) await deps.rclone.list(deps.place, signal)
    outage.end()
    store.addonBackups.setArchive(addonId, { storedUntil: until, storedProblem: null })
  } catch (cause) {
    signal.throwIfAborted()
    known.delete(addonId)
    outage.note(cause)
    const { message, hint } = asPaasError(cause)
    const storedProblem = [message, hint].filter(Boolean).join(' ')
    if (store.addonBackups.archive(addonId).storedProblem === storedProblem) return
    log.warn({ addon: addonId, err: cause }, 'an archive could not be stored')
    store.addonBackups.setArchive(addonId, { storedProblem })
  }
}

/**
 * An archive that was begun anew is another one: at the target both stay. Another target has
 * nothing yet.
 */
async function knownOf(
  deps: ArchiveStoreDeps,
  known: Map<AddonId, Known>,
  { id, addonId }: ServiceContainer,
  signal: AbortSignal,
): Promise<Known> {
  const archive = await archiveIdOf(deps, id, signal)
  const present = known.get(addonId)
  if (present?.shipped.archive === archive) return present
  const { repository: target } = deps.rclone
  const written = await readShipped(fileOf(deps, addonId))
  if (written && written.target !== target) deps.store.addonBackups.setArchive(addonId, { storedUntil: null })
  const isSame = written?.archive === archive && written.target === target
  const shipped = isSame ? written : { target, archive, files: {} }
  const fresh = { shipped, lookedAt: undefined }
  known.set(addonId, fresh)
  return fresh
}

/** A disk that is not mounted takes files as well. @throws backup_target_refused */
function checkPresence(deps: ArchiveStoreDeps, addonId: AddonId, { archive, files }: Shipped): void {
  const { repository } = deps.rclone
  if (!repository.startsWith('/') || Object.keys(files).length === 0) return
  if (!existsSync(join(repository, deps.place, addonId, archive))) throw lostTarget(repository, fileOf(deps, addonId))
}

function fileOf({ directory }: ArchiveStoreDeps, addonId: AddonId): string {
  return join(directory, `${addonId}.json`)
}

type Files = { files: ArchiveFile[]; shipped: Shipped }

/** What is gone for long goes from the target too. */
async function forgetGone(
  { rclone, place, keepDays }: ArchiveStoreDeps,
  addonId: AddonId,
  { files, shipped }: Files,
  signal: AbortSignal,
): Promise<void> {
  const present = new Set(files.map(({ path }) => path))
  const end = Date.now() - keepDays * 24 * 3600_000
  for (const [path, one] of Object.entries(shipped.files)) {
    if (present.has(path)) delete one.goneAt
    else one.goneAt ??= Date.now()
    if (one.goneAt === undefined || one.goneAt > end) continue
    await rclone.remove(`${place}/${addonId}/${shipped.archive}/${path}`, signal)
    delete shipped.files[path]
  }
}

async function fetchAll(deps: ArchiveStoreDeps, signal: AbortSignal): Promise<void> {
  const { store, log } = deps
  for (const wanted of store.archiveFetches.listAsked()) {
    try {
      await fetchArchive(deps, wanted, signal)
      store.archiveFetches.end(wanted, null)
    } catch (cause) {
      signal.throwIfAborted()
      log.warn({ addon: wanted.addonId, err: cause }, 'an archive could not be fetched')
      const { code, message: reason } = asPaasError(cause)
      store.archiveFetches.end(wanted, { code, reason })
    }
  }
}

async function repeat(signal: AbortSignal, milliseconds: number, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work()
    await delay(milliseconds, undefined, { signal }).catch(() => undefined)
  }
}
