import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { asPaasError, isBeside, isPassing, PaasError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { PlatformLog } from '../logs/platform-log.ts'
import { backupsToRemove, isDue, transferName, type DataTransfer } from '../model/data-transfer.ts'
import type { AddonId, DataTransferId } from '../model/ids.ts'
import { shutdown, stoppedInItsMidst } from '../model/stop-reasons.ts'
import { serviceNamed } from '../model/service.ts'
import { Overdue } from '../retry.ts'
import { readServices } from '../services/definition.ts'
import { awayInTheMidst, canBeDumped, endBeside, settleLoad } from '../services/dumps.ts'
import type { Store } from '../store/store.ts'
import { askBackup } from './ask.ts'
import { askSnapshots } from './snapshots.ts'
import { runTransfer, type TransferParts } from './run.ts'

export type DataTransfersOptions = TransferParts & {
  store: Store
  config: Pick<Config, 'servicesDirectories'>
  platformLog: Pick<PlatformLog, 'api'>
  log: Logger
}

/** At once, on the whole server. */
const most = 2
/** Milliseconds for which an add-on is asked what became of a load; for one time; between two. */
const settling = 120_000
const attempt = 10_000
const pause = 1000
/** Milliseconds between two looks at the schedules. */
const pace = 30_000

const cancelled = new PaasError('dump_failed', 'It was cancelled.')

/**
 * Carries out the data transfers that are on record: some at once, of each add-on one. What was
 * running when a worker died has failed, and is as if it had not begun. Disposal ends those that
 * run.
 */
export class DataTransfers implements AsyncDisposable {
  readonly #own: DataTransfersOptions
  readonly #stopping = new AbortController()
  readonly #running = new Map<DataTransferId, { transfer: DataTransfer; stop: AbortController; done: Promise<void> }>()
  /** Add-ons whose scheduled backup something kept from being made that passes. */
  readonly #overdue = new Overdue<AddonId, AddonId>()
  #timer: NodeJS.Timeout | undefined
  #isAsking = false

  constructor(options: DataTransfersOptions) {
    this.#own = options
  }

  /** Settles what a dead worker has left. */
  begin(): void {
    if (this.#timer) return this.wake()
    const { store, storage, scratch, log } = this.#own
    for (const transfer of store.dataTransfers.listOpen()) {
      if (transfer.state.kind === 'running') this.#track(transfer, () => this.#settle(transfer))
    }
    const places = new Set(store.dataTransfers.places())
    const tidied = Promise.all([storage, scratch].map((one) => one.tidy(places, this.#stopping.signal)))
    tidied.catch((cause: unknown) => log.warn({ err: cause }, 'places of backups could not be tidied'))
    this.#timer = setInterval(() => this.#schedule(), pace)
    this.#schedule()
  }

  /** Looks at the record: begins what waits, ends what is to be cancelled. */
  wake(): void {
    if (!this.#timer || this.#stopping.signal.aborted) return
    for (const transfer of this.#own.store.dataTransfers.listOpen()) {
      const { id, state } = transfer
      if (state.kind === 'running' && state.cancelling) this.#running.get(id)?.stop.abort(cancelled)
      if (state.kind === 'pending' && this.#isFree(transfer)) this.#begin(transfer)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort(shutdown)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  /** Of a worker that has died. */
  async #settle(transfer: DataTransfer): Promise<void> {
    const { state } = transfer
    if (state.kind !== 'running') return
    const { startedAt, cancelling: isCancelled } = state
    await this.#fail(transfer, { startedAt, cause: stopped, isCancelled })
  }

  /**
   * Ends what a transfer that was given up runs beside its add-ons. The one that is written knows
   * whether all was in place by then: it is asked until it says so.
   * @throws the signal's reason, while it is not known
   */
  async #isLoaded({ id, from, to }: DataTransfer): Promise<boolean> {
    const { store, log } = this.#own
    const isThere = (addonId: AddonId | null): addonId is AddonId =>
      addonId !== null && store.addons.find(addonId)?.state.kind === 'provisioned'
    const warn = (cause: unknown): void => log.warn({ err: cause, transfer: id }, 'an add-on was not settled')
    if (isThere(from.addonId)) await endBeside(this.#own, { addonId: from.addonId, id }).catch(warn)
    for (let end = performance.now() + settling; isThere(to.addonId) && performance.now() < end;) {
      try {
        const isLoaded = await settleLoad(this.#own, { addonId: to.addonId, id }, AbortSignal.timeout(attempt))
        if (isLoaded !== undefined) return isLoaded
      } catch (cause) {
        warn(cause)
        // However long it is away.
        if (isPassing(asPaasError(cause))) end = performance.now() + settling
      }
      await delay(pause, undefined, { signal: this.#stopping.signal })
    }
    return false
  }

  #isFree(transfer: DataTransfer): boolean {
    const running = [...this.#running.values()].map((one) => one.transfer)
    const busy = new Set(running.flatMap(addonsOf))
    return running.length < most && !addonsOf(transfer).some((id) => busy.has(id))
  }

  #begin(transfer: DataTransfer): void {
    const startedAt = new Date()
    if (!this.#own.store.dataTransfers.setState(transfer.id, { kind: 'running', startedAt, cancelling: false })) return
    this.#track(transfer, (stop) => this.#run(transfer, { startedAt, stop }))
  }

  /** Until it is done, others of its add-ons wait. */
  #track(transfer: DataTransfer, work: (stop: AbortController) => Promise<void>): void {
    const { id } = transfer
    const stop = new AbortController()
    const done = work(stop)
      // A full disk takes no verdict, an engine that is away has none; the next start gives one.
      .catch((cause: unknown) =>
        this.#own.log.error({ err: cause, transfer: id }, 'what became of a data transfer is not on record'),
      )
      .finally(() => {
        this.#running.delete(id)
        this.wake()
      })
    this.#running.set(id, { transfer, stop, done })
  }

  async #run(transfer: DataTransfer, { startedAt, stop }: { startedAt: Date; stop: AbortController }): Promise<void> {
    const { store, log } = this.#own
    const { id } = transfer
    const signal = AbortSignal.any([this.#stopping.signal, stop.signal])
    try {
      const stored = await runTransfer(this.#own, transfer, signal)
      store.dataTransfers.setState(id, { kind: 'succeeded', startedAt, endedAt: new Date(), stored })
      log.info({ transfer: id, kind: transfer.kind, app: transfer.appId }, 'data transferred')
      if (transfer.from.addonId) this.#overdue.forget(transfer.from.addonId)
      if (transfer.kind === 'backup') await this.#removeOld(transfer, signal)
    } catch (cause) {
      await this.#fail(transfer, { startedAt, cause, isCancelled: stop.signal.aborted })
    }
  }

  async #fail(transfer: DataTransfer, { startedAt, cause, isCancelled }: Failure): Promise<void> {
    const { store, log, platformLog } = this.#own
    const { id, appId } = transfer
    const isDone = await this.#isLoaded(transfer)
    const ended = { startedAt, endedAt: new Date() }
    if (isDone) return void store.dataTransfers.setState(id, { kind: 'succeeded', ...ended, stored: null })
    if (isCancelled) return void store.dataTransfers.setState(id, { kind: 'cancelled', ...ended })
    const error = asPaasError(this.#stopping.signal.aborted ? stopped : cause)
    const reason = reasonOf(transfer, error)
    log.warn({ transfer: id, app: appId, err: cause }, 'data not transferred')
    store.dataTransfers.addLine(id, reason)
    store.dataTransfers.setState(id, { kind: 'failed', ...ended, reason })
    platformLog.api(appId, `${transferName(transfer)} of ${transfer.from.name} failed: ${reason}`)
    if (transfer.scheduled && transfer.from.addonId) this.#askAgain(transfer.from.addonId, error)
  }

  /** The schedule's next turn is not waited for where the backup may well succeed before. */
  #askAgain(addonId: AddonId, error: PaasError): void {
    if (error === stopped) this.#askScheduled(addonId)
    else if (isBeside(error)) this.#overdue.add(addonId, addonId)
  }

  /** Those of the same add-on that its retention does not keep. */
  async #removeOld({ from }: DataTransfer, signal: AbortSignal): Promise<void> {
    const { store, storage, log } = this.#own
    if (from.addonId === null) return
    const all = store.dataTransfers.list({ fromAddonId: from.addonId }).filter(({ kind }) => kind === 'backup')
    const old = backupsToRemove(all)
    if (old.length === 0) return
    // What no record leads to goes at the next start, where it cannot now.
    for (const { id } of old) store.dataTransfers.remove(id)
    await storage.remove(old.flatMap(placeOf), signal).catch((cause: unknown) => log.warn({ err: cause }))
  }

  /** Asks for the backups whose hour has come. */
  #schedule(): void {
    const { store, log } = this.#own
    const now = new Date()
    void this.#askSnapshots(now)
    try {
      for (const schedule of store.backupSchedules.list()) {
        if (!isDue(schedule, now)) continue
        store.backupSchedules.setLast(schedule.addonId, now)
        this.#overdue.forget(schedule.addonId)
        this.#askScheduled(schedule.addonId)
      }
      for (const addonId of this.#overdue.take()) this.#askScheduled(addonId)
      this.wake()
    } catch (cause) {
      log.error({ err: cause }, 'scheduled backups could not be begun')
    }
  }

  /** One look at a time: whoever is asked may be slow. */
  async #askSnapshots(now: Date): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      await askSnapshots(this.#own, now, this.#stopping.signal)
      this.wake()
    } catch (cause) {
      if (!this.#stopping.signal.aborted) this.#own.log.warn({ err: cause }, 'add-ons were not asked for what is new')
    } finally {
      this.#isAsking = false
    }
  }

  #askScheduled(addonId: AddonId): void {
    const { store, config } = this.#own
    const addon = store.addons.find(addonId)
    if (addon?.state.kind !== 'provisioned') return
    const service = serviceNamed(
      readServices(config.servicesDirectories, () => undefined),
      addon.service,
    )
    if (service && canBeDumped(service)) askBackup(store, addon, { scheduled: true })
  }
}

type Failure = { startedAt: Date; cause: unknown; isCancelled: boolean }

const again = 'Nothing was changed; ask for it again.'
const stopped = new PaasError('dump_failed', stoppedInItsMidst, { hint: again })

function reasonOf({ from, to }: DataTransfer, { code, message, hint }: PaasError): string {
  const { name } = from.addonId === null ? to : from
  if (code === 'engine_unavailable') return `${awayInTheMidst(name)} ${again}`
  return [message, hint].filter(Boolean).join(' ')
}

function addonsOf({ from, to }: DataTransfer): AddonId[] {
  return [from.addonId, to.addonId].filter((id) => id !== null)
}

function placeOf({ state }: DataTransfer): string[] {
  return state.kind === 'succeeded' && state.stored ? [state.stored.place] : []
}
