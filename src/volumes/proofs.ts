import { asPaasError, isBeside, PaasError } from '../errors.ts'
import { backupPeriod, unprovenNote } from '../model/addon-backup.ts'
import type { VolumeProofId } from '../model/ids.ts'
import { newestBackup, volumeProblem, type VolumeCopy, type VolumeProof } from '../model/volume-copy.ts'
import type { AppVolume } from '../model/volume.ts'
import { Patience } from '../retry.ts'
import type { VolumeParts } from './parts.ts'
import { prove, removeTrialVolumes } from './prove.ts'

/** Milliseconds for which a proof is tried again that something passing breaks off. */
const passingPatience = 600_000

type Failure = { volume: AppVolume | undefined; backup: VolumeCopy | undefined; error: PaasError }

/**
 * Proofs of the backups of volumes, which are on record, and what the apps are told of missing and
 * failed ones.
 */
export class VolumeProofs {
  readonly #parts: VolumeParts
  readonly #patience = new Patience<VolumeProofId>(passingPatience)

  constructor(parts: VolumeParts) {
    this.#parts = parts
  }

  /** Of each volume that has a backup. */
  askAll(): void {
    const { store } = this.#parts
    for (const volume of this.#volumes()) {
      if (newestBackup(store.volumeCopies.list({ appId: volume.appId, kind: 'backup' }), volume.id))
        store.volumeProofs.ask(volume.id)
    }
  }

  /** One after the other. One in the midst of which a worker died is done again. */
  async workOff(signal: AbortSignal): Promise<void> {
    const open = this.#parts.store.volumeProofs.listOpen().filter(({ id }) => this.#patience.isDue(id))
    // Also of one just tried: an engine that went away keeps what it should have removed.
    if (open.length > 0) await this.removeTrials()
    for (const proof of open) if (!signal.aborted) await this.#prove(proof, signal)
  }

  async removeTrials(): Promise<void> {
    await removeTrialVolumes(this.#parts)
  }

  async #prove({ id, volumeId }: VolumeProof, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts
    const volume = this.#volumes().find((one) => one.id === volumeId)
    const backup = volume && newestBackup(store.volumeCopies.list({ appId: volume.appId, kind: 'backup' }), volumeId)
    const copyId = backup?.id ?? null
    try {
      if (!backup) throw new PaasError('backup_missing', `There is no backup of ${volume?.name ?? 'it'} yet.`)
      store.volumeProofs.setState(id, { kind: 'running' })
      await prove(this.#parts, backup, signal)
      store.transaction(() => {
        store.volumeCopies.recordProof(backup.id)
        store.volumeProofs.setState(id, { kind: 'succeeded', copyId: backup.id })
      })
      this.#patience.forget(id)
      log.info({ app: backup.appId, volume: backup.volume, copy: copyId }, 'backup of a volume proven')
    } catch (cause) {
      if (signal.aborted) return
      const error = asPaasError(cause)
      // Says nothing of the backup, which is proven once the engine is back.
      if (isBeside(error) && this.#patience.isLeft(id)) return
      log.warn({ err: cause, volume: volumeId, copy: copyId }, 'a backup of a volume is not proven')
      store.transaction(() => this.#fail(id, { volume, backup, error }))
    }
  }

  #fail(id: VolumeProofId, { volume, backup, error }: Failure): void {
    const { store } = this.#parts
    const { message: reason, code } = error
    const copyId = backup?.id ?? null
    const label = copyId?.slice(0, 8) ?? null
    const isUntried = isBeside(error) || !backup
    store.volumeProofs.setState(id, { kind: isUntried ? 'unproven' : 'failed', copyId, reason })
    // From here on an older one is the newest good one.
    if (backup && code === 'backup_damaged')
      store.volumeCopies.setState(backup.id, { kind: 'failed', endedAt: new Date(), reason })
    const bad = `its backup ${label ?? ''} could not be restored: ${reason}`
    if (volume && backup) this.#warn(volume, isUntried ? unprovenNote({ label, reason }) : bad)
  }

  /** Tells of daily backups that failed, or are none for two days: once a day. */
  watch(now: Date): void {
    const { store } = this.#parts
    for (const volume of this.#volumes()) {
      const problem = volumeProblem(volume, store.volumeCopies.list({ appId: volume.appId, kind: 'backup' }), now)
      const warnedAt = store.volumeProofs.warnedAt(volume.id)
      const isFresh = warnedAt && now.getTime() - warnedAt.getTime() < backupPeriod.any
      if (problem === undefined || isFresh) continue
      store.volumeProofs.recordWarning(volume.id)
      this.#warn(volume, problem)
    }
  }

  /** The app's log, and its webhooks as a change of the volume. */
  #warn({ id, name, appId }: AppVolume, problem: string): void {
    const { store, platformLog } = this.#parts
    platformLog.api(appId, `Error L22 (backup missing): volume ${name}: ${problem}. See: paas volumes:backups`)
    const app = store.apps.get(appId)
    const owner = app && store.accounts.find(app.ownerId)
    if (!app || !owner) return
    store.webhookDeliveries.publish({
      appId,
      include: 'api:volume',
      action: 'update',
      actor: { id: owner.id, email: owner.email },
      data: { id, name, app: { id: appId, name: app.name }, backup: { problem } },
      previousData: {},
    })
  }

  #volumes(): AppVolume[] {
    return this.#parts.store.volumes.listAll().filter(({ made, leaving }) => made && !leaving)
  }
}
