import { backupPeriod } from './addon-backup.ts'
import type { AppId, VolumeCopyId, VolumeId, VolumeProofId } from './ids.ts'
import type { AppVolume } from './volume.ts'

/**
 * What is in a volume: a SHA-256 of names, owners, modes, links, times and contents of all its
 * files, how many there are without directories, and their bytes.
 */
export type VolumeContent = { checksum: string; files: number; bytes: number }

/**
 * Something of a volume that is copied. `backup`: to the target; `restore`: from there, `fork`:
 * from the volume as it is, `upload`: from a client, into a new volume each.
 */
export type VolumeCopy = {
  id: VolumeCopyId
  appId: AppId
  /** Whose content it is, or what the new one is of. */
  volumeId: VolumeId
  /** Its name then: the volume may be gone. */
  volume: string
  kind: 'backup' | 'restore' | 'fork' | 'upload'
  /** `daily`: by the schedule. */
  trigger: 'asked' | 'daily'
  /** Of a restore: the backup. */
  from: VolumeCopyId | null
  /**
   * The new volume, whose data the engine has under this id. `switch`: it takes the volume's place.
   */
  into: { name: string; data: VolumeId; switch: boolean } | null
  state: VolumeCopyState
  /** When that copy was restored into a throw-away volume and was the same. */
  provenAt: Date | null
  createdAt: Date
}

export type VolumeCopyState =
  | { kind: 'pending' }
  | { kind: 'running' }
  | ({ kind: 'succeeded'; endedAt: Date; snapshot: string | null; isStill: boolean } & VolumeContent)
  | { kind: 'failed'; endedAt: Date; reason: string }

/** The newest backup of a volume that is restored to see whether it can be. */
export type VolumeProof = {
  id: VolumeProofId
  volumeId: VolumeId
  state: VolumeProofState
  createdAt: Date
  endedAt: Date | null
}

export type VolumeProofState =
  | { kind: 'asked' }
  | { kind: 'running' }
  | { kind: 'succeeded'; copyId: VolumeCopyId }
  | { kind: 'failed'; copyId: VolumeCopyId | null; reason: string }
  /** It could not be tried, which says nothing of the backup. */
  | { kind: 'unproven'; copyId: VolumeCopyId | null; reason: string }

/** Of copies with the newest first, the newest good backup of a volume. */
export function newestBackup(copies: VolumeCopy[], volumeId: VolumeId): VolumeCopy | undefined {
  return copies.find(
    (copy) =>
      copy.kind === 'backup' &&
      copy.volumeId === volumeId &&
      copy.state.kind === 'succeeded' &&
      copy.state.snapshot !== null,
  )
}

/** The copy that filled a volume, whose data goes along where it is switched with another's. */
export function fillingOf({ data }: Pick<AppVolume, 'data'>, copies: VolumeCopy[]): VolumeCopy | undefined {
  return copies.find(({ into, state }) => into?.data === data && state.kind === 'succeeded')
}

/** What is wrong with the daily backups of a volume; undefined: nothing. */
export function volumeProblem(
  { id, createdAt }: Pick<AppVolume, 'id' | 'createdAt'>,
  copies: VolumeCopy[],
  now: Date,
): string | undefined {
  const good = newestBackup(copies, id)
  const bad = copies.find(
    ({ volumeId, trigger, state }) => volumeId === id && trigger === 'daily' && state.kind === 'failed',
  )
  if (bad?.state.kind === 'failed' && (!good || bad.createdAt > good.createdAt)) {
    return `its backup ${bad.id.slice(0, 8)} failed: ${bad.state.reason}`
  }
  const since = good?.createdAt ?? createdAt
  if (now.getTime() - since.getTime() < 2 * backupPeriod.any) return undefined
  return good ? `its last good backup is of ${since.toISOString()}` : 'there is no good backup of it yet'
}

/**
 * A name that follows from the other and that no volume has: `data-restored`, `data-restored-2`.
 */
export function freeVolumeName(base: string, taken: string[]): string {
  const fitting = (end: string): string => {
    let begin = base.slice(0, 30 - end.length)
    while (begin.endsWith('-')) begin = begin.slice(0, -1)
    return `${begin}${end}`
  }
  if (!taken.includes(fitting(''))) return fitting('')
  for (let number = 2; ; number++) {
    const name = fitting(`-${number}`)
    if (!taken.includes(name)) return name
  }
}

/** What a volume came with, as the API tells it; `as_of` in RFC 3339. */
export type ToldFilling = {
  kind: Exclude<VolumeCopy['kind'], 'backup'>
  volume: { name: string }
  /** Of a restore. */
  backup: { id: string } | null
  as_of: string
}
