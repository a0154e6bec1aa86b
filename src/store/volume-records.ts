import type { AppId, ReleaseId, VolumeCopyId, VolumeId, VolumeProofId } from '../model/ids.ts'
import type { VolumeCopy, VolumeCopyState, VolumeProof, VolumeProofState } from '../model/volume-copy.ts'
import type { Fill, AppVolume } from '../model/volume.ts'

export interface VolumeRecords {
  /** @throws name_taken */
  create(volume: Pick<AppVolume, 'appId' | 'name' | 'mount' | 'types' | 'singleWriter'>): AppVolume
  /** One whose data the engine has under that id. @throws name_taken */
  addFilled(volume: Pick<AppVolume, 'appId' | 'name' | 'mount' | 'types' | 'singleWriter'>, data: VolumeId): AppVolume
  /** Each has the other's data from here on, unless that release fails. */
  switchData(one: AppVolume, other: AppVolume, releaseId: ReleaseId): void
  /** What was switched with that release is as it was before. */
  switchBack(releaseId: ReleaseId): void
  /** Oldest first, without those that are leaving. */
  list(appId: AppId): AppVolume[]
  /** Of all apps, with those that are leaving. */
  listAll(): AppVolume[]
  /** The engine has it. */
  recordMade(id: VolumeId): void
  recordBytes(id: VolumeId, measured: { bytes: number; fill: Fill }): void
  /** From here on no dyno gets it, unless that release fails. */
  leave(id: VolumeId, releaseId: ReleaseId): void
  /** What was to leave with that release stays, unless another one has its name by now. */
  stay(releaseId: ReleaseId): void
  /** The engine no longer has it. */
  remove(id: VolumeId): void
}

/** Copies of volumes that are made, or were. */
export interface VolumeCopyRecords {
  create(copy: Pick<VolumeCopy, 'appId' | 'volumeId' | 'volume' | 'kind' | 'trigger' | 'from' | 'into'>): VolumeCopy
  find(id: VolumeCopyId): VolumeCopy | undefined
  /** Newest first; of one app or of all. */
  list(filter?: { appId?: AppId; kind?: VolumeCopy['kind'] }): VolumeCopy[]
  /** pending → running, once: false for a second caller. */
  begin(id: VolumeCopyId): boolean
  setState(id: VolumeCopyId, state: VolumeCopyState): void
  recordProof(id: VolumeCopyId): void
  remove(id: VolumeCopyId): void
}

export interface VolumeProofRecords {
  /** One that is asked for already is the same. */
  ask(volumeId: VolumeId): VolumeProof
  find(id: VolumeProofId): VolumeProof | undefined
  setState(id: VolumeProofId, state: VolumeProofState): void
  /** The newest first. */
  list(volumeId: VolumeId): VolumeProof[]
  /** Asked for or running, the oldest first. */
  listOpen(): VolumeProof[]
  /** When its app was last told that backups are missing. */
  warnedAt(volumeId: VolumeId): Date | null
  recordWarning(volumeId: VolumeId): void
}
