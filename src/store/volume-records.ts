import type { AppId, ReleaseId, VolumeId } from '../model/ids.ts'
import type { Fill, AppVolume } from '../model/volume.ts'

export interface VolumeRecords {
  /** @throws name_taken */
  create(volume: Pick<AppVolume, 'appId' | 'name' | 'mount' | 'types' | 'singleWriter'>): AppVolume
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
