import type { Readable } from 'node:stream'
import type { Config, TimeOfDay } from '../config.ts'
import { asPaasError, isBeside, PaasError } from '../errors.ts'
import { everyDay, wasMissed } from '../every-day.ts'
import type { AppId, VolumeCopyId, VolumeId } from '../model/ids.ts'
import { shutdown, stoppedInItsMidst } from '../model/stop-reasons.ts'
import type { VolumeCopy } from '../model/volume-copy.ts'
import type { AppVolume } from '../model/volume.ts'
import { Overdue } from '../retry.ts'
import { backUp } from './back-up.ts'
import { fillNew } from './fill-new.ts'
import { readNow, type VolumeParts } from './parts.ts'
import { VolumeProofs } from './proofs.ts'
import { Vault } from './vault.ts'

export type VolumesOptions = Omit<VolumeParts, 'vault' | 'limits'> & {
  config: Pick<Config, 'paths' | 'volumeBackup' | 'limits'>
}

/** Milliseconds between two looks for backups that are missing, or to be made again. */
const watchEvery = 60_000
/** Milliseconds until what something passing kept from being proven is looked at again. */
const retryAfter = 5000
/** When newest backups are proven where none are made by a schedule. */
const night: TimeOfDay = { hour: 2, minute: 30 }

/**
 * Copies of the apps' volumes: to the backup target and back, from one volume into another, from
 * and to clients. One is made at a time. What is to be copied is on record; whoever writes that
 * wakes it. Disposal breaks off what is under way.
 */
export class Volumes implements AsyncDisposable {
  readonly #parts: VolumeParts
  readonly #settings: Config['volumeBackup']
  readonly #proofs: VolumeProofs
  readonly #stopping = new AbortController()
  readonly #life = new DisposableStack()
  /** Backups that something kept from being made that passes. */
  readonly #overdue = new Overdue<VolumeId, VolumeCopy>()
  #working: Promise<void> | undefined
  #again = false
  /** Waits until nothing is stored at the target: a backup of the server takes long. */
  #retiring: Promise<void> | undefined
  #later: NodeJS.Timeout | undefined
  #converge: (appId: AppId) => void = () => undefined

  constructor({ config, ...given }: VolumesOptions) {
    this.#parts = { ...given, limits: config.limits, vault: new Vault(config.paths.vaultSocket) }
    this.#proofs = new VolumeProofs(this.#parts)
    this.#settings = config.volumeBackup
  }

  /**
   * What an earlier worker has not come to the end of has failed. @param converge makes its release
   */
  async begin(converge: (appId: AppId) => void): Promise<void> {
    this.#converge = converge
    const { store } = this.#parts
    for (const copy of store.volumeCopies.list()) {
      if (copy.state.kind === 'running') await this.#fail(copy, stopped)
    }
    // Those that it has not come to the end of are on record, and done again.
    await this.#proofs.removeTrials()
    if (this.#settings.at) this.#beginDaily(this.#settings.at)
    else this.#life.use(everyDay(night, () => this.#try(() => this.#proveAll())))
    this.wake()
  }

  #beginDaily(at: TimeOfDay): void {
    this.#life.use(everyDay(at, () => this.#try(() => this.backUpAll())))
    // Nobody was there for it.
    const newest = this.#parts.store.volumeCopies.list().find(({ trigger }) => trigger === 'daily')
    if (newest && wasMissed(at, newest.createdAt)) this.backUpAll()
    const look = () => {
      this.#proofs.watch(new Date())
      this.#backUpAgain()
    }
    const timer = setInterval(() => this.#try(look), watchEvery).unref()
    this.#life.defer(() => clearInterval(timer))
  }

  #proveAll(): void {
    this.#proofs.askAll()
    this.wake()
  }

  /** Does what is on record, now or after what is under way. */
  wake(): void {
    this.#again = true
    this.#working ??= this.#workOff()
      .catch(this.#tell)
      .finally(() => (this.#working = undefined))
  }

  #try(work: () => void): void {
    try {
      work()
    } catch (cause) {
      this.#tell(cause)
    }
  }

  /** What cannot be put on record is done at the next look: the disk may be full until then. */
  readonly #tell = (cause: unknown): void => {
    this.#parts.log.warn({ err: cause }, 'a look at the copies of volumes failed')
  }

  /** Records a backup of each volume that is there. */
  backUpAll(): void {
    const { store } = this.#parts
    for (const { id, appId, name, made, leaving } of store.volumes.listAll()) {
      if (!made || leaving) continue
      this.#overdue.forget(id)
      this.#askDaily({ appId, volumeId: id, volume: name })
    }
    this.wake()
  }

  #backUpAgain(): void {
    for (const copy of this.#overdue.take()) {
      if (!this.#parts.store.volumes.listAll().some(({ id, leaving }) => id === copy.volumeId && !leaving)) continue
      this.#askDaily(copy)
      this.wake()
    }
  }

  /**
   * A tar of a volume as it is now; `still`: while its dynos are paused. @throws volume_changing
   */
  async read(id: VolumeId, { still }: { still: boolean }, signal: AbortSignal): Promise<Readable> {
    return readNow(this.#parts, this.#volume(id), { still }, signal)
  }

  /** What a backup holds. @throws backup_missing */
  async download(id: VolumeCopyId, signal: AbortSignal): Promise<Readable> {
    const copy = this.#parts.store.volumeCopies.find(id)
    if (copy?.state.kind === 'succeeded' && copy.state.snapshot)
      return this.#parts.vault.read(copy.state.snapshot, signal)
    throw new PaasError('backup_missing', 'There is no such backup of a volume.')
  }

  /**
   * A new volume with the files of a tar from a client. @throws source_invalid, payload_too_large
   */
  async upload(id: VolumeCopyId, tar: Readable, signal: AbortSignal): Promise<void> {
    const copy = this.#parts.store.volumeCopies.find(id)
    if (!copy || !this.#parts.store.volumeCopies.begin(id)) throw new PaasError('not_found', 'There is no such upload.')
    await this.#do(copy, AbortSignal.any([signal, this.#stopping.signal]), tar)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.dispose()
    clearTimeout(this.#later)
    this.#stopping.abort(shutdown)
    await Promise.all([this.#working, this.#retiring])
  }

  async #workOff(): Promise<void> {
    const { store, log } = this.#parts
    const { signal } = this.#stopping
    while (this.#again && !signal.aborted) {
      this.#again = false
      const pending = store.volumeCopies
        .list()
        .filter(({ kind, state }) => state.kind === 'pending' && kind !== 'upload')
      for (const copy of pending.toReversed()) {
        if (signal.aborted || !store.volumeCopies.begin(copy.id)) continue
        await this.#do(copy, signal).catch((cause: unknown) => log.debug({ err: cause }, 'a copy failed'))
      }
      if (pending.some(({ trigger }) => trigger === 'daily')) {
        this.#retiring ??= this.#retire(signal).finally(() => (this.#retiring = undefined))
        this.#proofs.askAll()
      }
      await this.#proofs.workOff(signal)
    }
    // One that was kept from being tried is tried again.
    clearTimeout(this.#later)
    if (store.volumeProofs.listOpen().length > 0 && !signal.aborted)
      this.#later = setTimeout(() => this.wake(), retryAfter).unref()
  }

  /** Its end is on record, whatever it is. */
  async #do(copy: VolumeCopy, signal: AbortSignal, upload?: Readable): Promise<void> {
    const { store, platformLog } = this.#parts
    try {
      if (copy.kind === 'backup') {
        store.volumeCopies.setState(copy.id, await backUp(this.#parts, copy, signal))
      } else {
        const done = await fillNew(this.#parts, copy, { signal, upload })
        if (done.release) this.#converge(copy.appId)
      }
    } catch (cause) {
      await this.#fail(copy, cause)
      if (!signal.aborted) {
        platformLog.api(
          copy.appId,
          `Could not ${verbs[copy.kind]} volume ${copy.volume}: ${asPaasError(cause).message}`,
        )
      }
      throw cause
    }
  }

  /** It stays on record, with the reason. */
  async #fail(copy: VolumeCopy, thrown: unknown): Promise<void> {
    const { store, engine, log } = this.#parts
    const cause = this.#stopping.signal.aborted ? stopped : thrown
    const { message, hint } =
      cause instanceof PaasError ? cause : { message: `${(cause as Error).message}.`, hint: undefined }
    log.warn({ err: cause, app: copy.appId, volume: copy.volume, copy: copy.kind }, 'a volume was not copied')
    if (copy.into && !store.volumes.listAll().some(({ data }) => data === copy.into?.data)) {
      await engine.removeVolume({ id: copy.into.data, owner: copy.appId }).catch(() => undefined)
    }
    const reason = [message, hint].filter(Boolean).join(' ')
    store.volumeCopies.setState(copy.id, { kind: 'failed', endedAt: new Date(), reason })
    if (copy.trigger === 'daily') this.#askAgain(copy, asPaasError(cause))
  }

  /** The next day's is not waited for where the backup may well succeed before. */
  #askAgain(copy: VolumeCopy, error: PaasError): void {
    if (error === stopped) this.#askDaily(copy)
    else if (isBeside(error)) this.#overdue.add(copy.volumeId, copy)
  }

  #askDaily({ appId, volumeId, volume }: Pick<VolumeCopy, 'appId' | 'volumeId' | 'volume'>): void {
    const about = { appId, volumeId, volume, from: null, into: null }
    this.#parts.store.volumeCopies.create({ ...about, kind: 'backup', trigger: 'daily' })
  }

  /** Those that the target has no more are on record no more. */
  async #retire(signal: AbortSignal): Promise<void> {
    const { store, vault, log } = this.#parts
    try {
      await vault.retire(signal)
      // One that is made from here on is not in the list.
      const copies = store.volumeCopies.list({ kind: 'backup' })
      const kept = await vault.list(signal)
      for (const { id, state } of copies) {
        if (state.kind !== 'succeeded') continue
        const isKept = kept.some((snapshot) => snapshot.startsWith(state.snapshot ?? '-'))
        if (!isKept) store.volumeCopies.remove(id)
      }
    } catch (cause) {
      if (!signal.aborted) log.warn({ err: cause }, 'old copies of volumes were not removed')
    }
  }

  #volume(id: VolumeId): AppVolume {
    const volume = this.#parts.store.volumes.listAll().find((one) => one.id === id && one.made)
    if (volume) return volume
    throw new PaasError('volume_missing', 'The volume has no data yet, or was destroyed.')
  }
}

const stopped = new PaasError('backup_failed', stoppedInItsMidst)

const verbs: Record<VolumeCopy['kind'], string> = {
  backup: 'back up',
  restore: 'restore',
  fork: 'fork',
  upload: 'fill',
}
