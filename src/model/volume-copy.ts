import type { AppId, VolumeCopyId, VolumeId } from './ids.ts'

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
