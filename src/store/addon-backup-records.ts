import type { ErrorCode } from '../errors.ts'
import type {
  AddonArchive,
  AddonBackup,
  AddonBackupState,
  AddonProof,
  AddonProofState,
  BackupKind,
} from '../model/addon-backup.ts'
import type { AddonBackupId, AddonId, AddonProofId } from '../model/ids.ts'

export interface AddonBackupRecords {
  /** Running. */
  begin(addonId: AddonId, kind: BackupKind): AddonBackup
  end(id: AddonBackupId, state: AddonBackupState): void
  /** The newest first. */
  list(addonId: AddonId): AddonBackup[]
  /** The archive is another one from now on: what there was is at the backup target at most. */
  beginAnew(addonId: AddonId): void
  /** Those of a process that died have failed. */
  noteLosses(reason: string): void
  archive(addonId: AddonId): AddonArchive
  /** Sets what is given. */
  setArchive(addonId: AddonId, change: Partial<Omit<AddonArchive, 'former'>>): void
}

export interface AddonProofRecords {
  /** One that is asked for already is the same. */
  ask(addonId: AddonId): AddonProof
  find(id: AddonProofId): AddonProof | undefined
  setState(id: AddonProofId, state: AddonProofState): void
  /** The newest first. */
  list(addonId: AddonId): AddonProof[]
  /** Asked for or running, the oldest first. */
  listOpen(): AddonProof[]
}

/** An archive that is wanted from the backup target, in the volume of the container of `id`. */
export type ArchiveFetch = {
  id: AddonId
  addonId: AddonId
  /** Of several archives of the add-on the newest that was begun before. */
  at: Date
  /** Another each time that it is asked for. */
  turn: string
  state: { kind: 'asked' } | { kind: 'done' } | ({ kind: 'failed' } & FetchFailure)
}

/** Why it could not be brought, with the error's code. */
type FetchFailure = { code: ErrorCode; reason: string }

export interface ArchiveFetchRecords {
  ask(id: AddonId, addonId: AddonId, at: Date): void
  find(id: AddonId): ArchiveFetch | undefined
  listAsked(): ArchiveFetch[]
  /** Unless it was asked for once more since. @param failure null: it is there */
  end(fetch: Pick<ArchiveFetch, 'id' | 'turn'>, failure: FetchFailure | null): void
  /** Those that no add-on waits for: of proofs in whose midst a worker was killed. */
  removeLost(): void
  remove(id: AddonId): void
}
