import type { BackupSchedule, DataTransfer, DataTransferState } from '../model/data-transfer.ts'
import type { AddonId, AppId, DataTransferId } from '../model/ids.ts'

type NewDataTransfer = Pick<DataTransfer, 'appId' | 'kind' | 'service' | 'from' | 'to'> &
  Partial<Pick<DataTransfer, 'scheduled' | 'backupId'>> & {
    /** What a restore from elsewhere reads. Kept encrypted. */
    source?: string
  }

export interface DataTransferRecords {
  /** Pending, with the app's next number. */
  create(transfer: NewDataTransfer): DataTransfer
  find(id: DataTransferId): DataTransfer | undefined
  findNumbered(appId: AppId, number: number): DataTransfer | undefined
  /** The newest first. */
  list(filter: { appId?: AppId; fromAddonId?: AddonId }): DataTransfer[]
  /** Pending and running ones, the oldest first. */
  listOpen(): DataTransfer[]
  /** Places of all backups that are there. */
  places(): string[]
  /** The URL that a restore reads. */
  sourceOf(id: DataTransferId): string | undefined
  /** Only one that is not over changes; false: it is. */
  setState(id: DataTransferId, state: DataTransferState): boolean
  setProgress(id: DataTransferId, progress: { bytes?: number; warnings?: number }): void
  addLine(id: DataTransferId, message: string): void
  /** What was inside when a backup was made; undefined: nothing was noted. */
  noteFacts(id: DataTransferId, facts: string[]): void
  factsOf(id: DataTransferId): string[] | undefined
  /** What the service said before a dump, which is another after anything was written. */
  notePosition(id: DataTransferId, position: string): void
  /** It said the same then. */
  noteSame(id: DataTransferId, until: Date): void
  positionOf(id: DataTransferId): { position: string; sameUntil: Date | null } | undefined
  remove(id: DataTransferId): void
}

export interface BackupScheduleRecords {
  list(): BackupSchedule[]
  find(addonId: AddonId): BackupSchedule | undefined
  /** Replaces the one that there is. */
  set(schedule: Pick<BackupSchedule, 'addonId' | 'name' | 'hour' | 'timezone'>): void
  setLast(addonId: AddonId, at: Date): void
  remove(addonId: AddonId): void
}
