import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { ServiceContainer } from '../engine/engine.ts'
import { asPaasError, isBeside, isPassing, PaasError } from '../errors.ts'
import { everyDay } from '../every-day.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import type { Addon } from '../model/addon.ts'
import {
  backupDue,
  backupPeriod,
  unprovenNote,
  type AddonBackup,
  type AddonProof,
  type BackupKind,
} from '../model/addon-backup.ts'
import { transferName } from '../model/data-transfer.ts'
import type { AddonId, AddonProofId } from '../model/ids.ts'
import { planNamed, serviceNamed } from '../model/service.ts'
import { shutdown, stoppedInItsMidst } from '../model/stop-reasons.ts'
import { Patience } from '../retry.ts'
import type { Store } from '../store/store.ts'
import { bringIntoArchive, makeArchiveBackup, noteFacts } from './archive.ts'
import { readServices } from './definition.ts'
import { canBeDumped } from './dumps.ts'
import { dumpProblem, newestDump } from './dump-watch.ts'
import { proveDump, type ProveDumpDeps } from './prove-dump.ts'
import { proveBackup, type ProveDeps } from './prove.ts'
import { hasArchive } from './spec.ts'
import { removeTrials, type Proven } from './trial.ts'
import { warnOfBackups } from './warn-of-backups.ts'

export type AddonBackupsOptions = Omit<ProveDeps & ProveDumpDeps, 'store'> & {
  store: Store
  platformLog: PlatformLog
  config: Pick<Config, 'servicesDirectories' | 'backup'>
}

/** Milliseconds until archives are brought up to date again, what is due done, dumps looked at. */
const pace = { archive: 30_000, work: 5000, watch: 60_000 }
/** Milliseconds after a backup that failed until the next one: what was away comes back sooner. */
const patience = { passing: 60_000, other: 900_000 }
/** Milliseconds for which the backup target may be away before that is told. */
const storePatience = 600_000
/** Milliseconds for which a proof is tried again that something passing breaks off. */
const passingPatience = 600_000
/** When proofs are made, in the time zone of the machine. */
const night = { hour: 2, minute: 30 }

type Known = Proven & { container: ServiceContainer }

/**
 * Keeps the backups of add-ons: brings what is written into their archives, makes backups when they
 * are due, one at a time, and restores the newest of each every night to see whether it can be. The
 * record says what is; a kill leaves nothing that the next worker does not do again.
 */
export class AddonBackups implements AsyncDisposable {
  readonly #own: AddonBackupsOptions
  readonly #stopping = new AbortController()
  readonly #done: Promise<unknown>[] = []
  readonly #patience = new Patience<AddonProofId>(passingPatience)
  /** After a backup that failed: when the next one may begin. After a restart it may at once. */
  readonly #retryAt = new Map<AddonId, number>()
  #nightly: Disposable | undefined

  constructor(options: AddonBackupsOptions) {
    this.#own = options
  }

  /** Once there is an engine; a second call is about nothing. */
  begin(): void {
    if (this.#nightly) return
    const { store } = this.#own
    store.addonBackups.noteLosses(stoppedInItsMidst)
    store.archiveFetches.removeLost()
    this.#nightly = everyDay(night, () => void this.#look(async () => this.#proveAll()))
    // Of a worker that was killed in the midst of a proof, which is on record as not done.
    const tidied = this.#look(() => removeTrials(this.#own))
    this.#done.push(
      this.#every(pace.archive, () => this.#archiveAll()),
      tidied.then(() => this.#every(pace.work, () => this.#workAll())),
      this.#every(pace.watch, async () => this.#watchDumps()),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#nightly?.[Symbol.dispose]()
    this.#stopping.abort(shutdown)
    await Promise.all(this.#done)
  }

  async #every(milliseconds: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#look(work)
      await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** What fails is done at the next one. */
  async #look(work: () => Promise<void>): Promise<void> {
    await work().catch((cause: unknown) => {
      if (!this.#stopping.signal.aborted) this.#own.log.warn({ err: cause }, 'a look at the backups failed')
    })
  }

  /** Where there is a backup target, whoever stores the archives there does it before. */
  async #archiveAll(): Promise<void> {
    const { store, config } = this.#own
    if (config.backup) return
    for (const { addon, container } of await this.#running()) {
      if (store.addonBackups.archive(addon.id).since === null) continue
      try {
        const { until, hole } = await bringIntoArchive(this.#own, container.id, this.#stopping.signal)
        store.addonBackups.setArchive(addon.id, { until, hole, problem: null })
      } catch (cause) {
        this.#stopping.signal.throwIfAborted()
        this.#fail(addon, cause)
      }
    }
  }

  async #workAll(): Promise<void> {
    const { store } = this.#own
    for (const known of await this.#running()) {
      const backups = store.addonBackups.list(known.addon.id)
      const due = backupDue(backups, store.addonBackups.archive(known.addon.id).hole, Date.now())
      if (due && performance.now() >= (this.#retryAt.get(known.addon.id) ?? 0)) await this.#backUp(known, due)
      this.#tellIfMissed(known.addon)
      this.#tellIfNotStored(known.addon)
    }
    for (const proof of store.addonProofs.listOpen())
      if (this.#patience.isDue(proof.id)) await this.#look(() => this.#prove(proof))
  }

  async #backUp({ addon, service, container }: Known, kind: BackupKind): Promise<void> {
    const { store, log } = this.#own
    const { signal } = this.#stopping
    const { id } = store.addonBackups.begin(addon.id, kind)
    try {
      const all = await makeArchiveBackup(this.#own, container.id, kind, signal)
      const made = all.at(-1)
      if (!made) throw new PaasError('backup_failed', 'The service did not say what it made.')
      const canNote = service.scripts.includes('facts') && service.scripts.includes('mark')
      const noted = canNote ? await noteFacts(this.#own, container.id, made.label, signal) : null
      const { until, hole } = await bringIntoArchive(this.#own, container.id, signal)
      const whole = hole ? all.filter(({ begin }) => begin > hole) : all
      const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
      store.transaction(() => {
        store.addonBackups.end(id, { kind: 'succeeded', label: made.label, bytes: made.bytes, noted })
        const since = whole[0]?.end ?? null
        store.addonBackups.setArchive(addon.id, { since, until, hole, bytes, problem: null, warnedAt: null })
      })
      this.#retryAt.delete(addon.id)
      log.info({ addon: addon.name, app: addon.appId, kind, label: made.label }, 'add-on backed up')
    } catch (cause) {
      signal.throwIfAborted()
      const error = asPaasError(cause)
      this.#retryAt.set(addon.id, performance.now() + patience[isPassing(error) ? 'passing' : 'other'])
      store.addonBackups.end(id, { kind: 'failed', reason: error.message })
      this.#fail(addon, cause)
    }
  }

  async #prove(proof: AddonProof): Promise<void> {
    const { store, log } = this.#own
    const { signal } = this.#stopping
    const addon = store.addons.find(proof.addonId)
    const known = this.#known().find((one) => one.addon.id === proof.addonId)
    const newest = known && this.#newest(known)
    const label = newest?.label ?? null
    if (newest?.backup && this.#isOnItsWay(proof, newest.backup)) return
    try {
      if (!known) throw new PaasError('backup_missing', 'The add-on is not there.')
      if (!newest) throw new PaasError('backup_missing', `There is no backup of ${known.addon.name} yet.`)
      store.addonProofs.setState(proof.id, { kind: 'running' })
      await removeTrials(this.#own)
      const compared = await newest.prove(signal)
      store.addonProofs.setState(proof.id, { kind: 'succeeded', label: newest.label, compared })
      this.#patience.forget(proof.id)
      log.info({ addon: known.addon.name, app: known.addon.appId, label, compared }, 'backup proven')
    } catch (cause) {
      signal.throwIfAborted()
      const error = asPaasError(cause)
      const { message: reason } = error
      // Says nothing of the backup, which is proven once the engine is back.
      if (isBeside(error) && this.#patience.isLeft(proof.id)) throw cause
      const isUntried = isBeside(error) || error.code === 'backup_missing'
      store.addonProofs.setState(proof.id, { kind: isUntried ? 'unproven' : 'failed', label, reason })
      const bad = `its backup ${label ?? ''} could not be restored: ${reason}`
      if (addon && label) warnOfBackups(this.#own, addon, isUntried ? unprovenNote({ label, reason }) : bad)
    }
  }

  /** The newest good backup: of an archive where the service keeps one, else a dump. */
  #newest(known: Proven): Newest | undefined {
    const { store } = this.#own
    const { id } = known.addon
    if (hasArchive(known.service)) {
      const backup = store.addonBackups.list(id).find(({ state }) => state.kind === 'succeeded')
      const label = backup?.state.kind === 'succeeded' ? backup.state.label : ''
      return backup && { label, backup, prove: (signal) => proveBackup(this.#own, known, backup, signal) }
    }
    const dump = newestDump(store, id)
    return dump && { label: transferName(dump), prove: (signal) => proveDump(this.#own, known, dump, signal) }
  }

  /** To the backup target, from which it is restored. */
  #isOnItsWay({ createdAt }: AddonProof, { addonId, endedAt }: AddonBackup): boolean {
    const { store, config } = this.#own
    if (!config.backup || !endedAt || Date.now() - createdAt.getTime() > storePatience) return false
    const { storedUntil } = store.addonBackups.archive(addonId)
    return !storedUntil || storedUntil < endedAt
  }

  #proveAll(): void {
    const { store } = this.#own
    for (const known of this.#known()) if (this.#newest(known)) store.addonProofs.ask(known.addon.id)
  }

  /** Of those that are dumped by a schedule. */
  #watchDumps(): void {
    const { store } = this.#own
    for (const { addon, service } of this.#known()) {
      const problem = canBeDumped(service) ? dumpProblem(store, addon, new Date()) : undefined
      if (problem !== undefined) this.#tell(addon, problem)
    }
  }

  /** Told once a day at most, until there is a backup again. */
  #fail(addon: Addon, cause: unknown): void {
    const { store, log } = this.#own
    const problem = asPaasError(cause).message
    log.warn({ addon: addon.name, app: addon.appId, err: cause }, 'an add-on could not be backed up')
    store.addonBackups.setArchive(addon.id, { problem })
    this.#tell(addon, `it could not be backed up: ${problem}`)
  }

  #tellIfMissed(addon: Addon): void {
    const newest = this.#own.store.addonBackups.list(addon.id).find(({ state }) => state.kind === 'succeeded')
    const since = newest?.startedAt ?? addon.createdAt
    if (Date.now() - since.getTime() < 2 * backupPeriod.any) return
    const last = newest ? `its last good backup is of ${since.toISOString()}` : 'there is no good backup of it yet'
    this.#tell(addon, last)
  }

  /** The backup target may be full or away: what is written stays here meanwhile. */
  #tellIfNotStored(addon: Addon): void {
    const { store, platformLog } = this.#own
    const { storedProblem, storedUntil, storedWarnedAt } = store.addonBackups.archive(addon.id)
    if (storedProblem === null) {
      if (!storedWarnedAt) return
      store.addonBackups.setArchive(addon.id, { storedWarnedAt: null })
      const until = storedUntil?.toISOString() ?? 'the first backup'
      return platformLog.api(addon.appId, `${addon.name} is stored at the backup target again, up to ${until}`)
    }
    const since = storedUntil ?? addon.createdAt
    const isFresh = storedWarnedAt && Date.now() - storedWarnedAt.getTime() < backupPeriod.any
    if (isFresh || Date.now() - since.getTime() < storePatience) return
    store.addonBackups.setArchive(addon.id, { storedWarnedAt: new Date() })
    const what = `nothing is stored at the backup target since ${since.toISOString()}: ${storedProblem}`
    warnOfBackups(this.#own, addon, what)
  }

  #tell(addon: Addon, what: string): void {
    const { store } = this.#own
    const { warnedAt } = store.addonBackups.archive(addon.id)
    if (warnedAt && Date.now() - warnedAt.getTime() < backupPeriod.any) return
    store.addonBackups.setArchive(addon.id, { warnedAt: new Date() })
    warnOfBackups(this.#own, addon, what)
  }

  /** Those with an archive that run. */
  async #running(): Promise<Known[]> {
    const archived = this.#known().filter(({ service }) => hasArchive(service))
    if (archived.length === 0) return []
    const containers = await this.#own.engine.listServices()
    return archived.flatMap((known) => {
      const container = containers.find(({ addonId, state }) => addonId === known.addon.id && state.kind === 'running')
      return container ? [{ ...known, container }] : []
    })
  }

  /** Those that are there, with what they are made of. */
  #known(): Proven[] {
    const { store, config, log } = this.#own
    // One that nobody reaches yet may be thrown away.
    const isAttached = ({ id }: Addon): boolean => store.addonAttachments.list({ addonId: id }).length > 0
    const addons = store.addons.list().filter((one) => one.state.kind === 'provisioned' && isAttached(one))
    if (addons.length === 0) return []
    const services = readServices(config.servicesDirectories, (err) => log.error({ err }, 'a service cannot be read'))
    return addons.flatMap((addon) => {
      const service = serviceNamed(services, addon.service)
      const plan = service && planNamed(service, addon.plan)
      return service && plan ? [{ addon, service, plan }] : []
    })
  }
}

/** `backup`: where it is one of an archive. */
type Newest = { label: string; backup?: AddonBackup; prove: (signal: AbortSignal) => Promise<boolean> }
