import { PaasError } from '../errors.ts'
import type { VolumeContent, VolumeCopy, VolumeCopyState } from '../model/volume-copy.ts'
import type { AppVolume } from '../model/volume.ts'
import { contentOf, sameContent, watchContent } from './content.ts'
import { readNow, type VolumeParts } from './parts.ts'
import { copyStill } from './still.ts'

/**
 * Stores a volume at the backup target. It counts once it was read back from there and is what was
 * stored.
 * @throws volume_missing, volume_changing, backup_damaged, backup_target_refused, backup_failed
 */
export async function backUp(parts: VolumeParts, copy: VolumeCopy, signal: AbortSignal): Promise<VolumeCopyState> {
  const volume = volumeOf(parts, copy)
  const stored = await copyStill(volume, (still) => keep(parts, volume, still, signal))
  const found = await contentOf(await parts.vault.read(stored.snapshot, signal))
  if (!sameContent(found, stored)) throw differs('What was read back is not what was stored')
  return { kind: 'succeeded', endedAt: new Date(), ...stored }
}

async function keep(
  parts: VolumeParts,
  volume: AppVolume,
  still: boolean,
  signal: AbortSignal,
): Promise<VolumeContent & { snapshot: string }> {
  let content: Promise<VolumeContent> | undefined
  const open = async () => {
    const watched = watchContent(await readNow(parts, volume, { still }, signal))
    content = watched.content
    return watched.tar
  }
  const snapshot = await parts.vault.store(volume.id, open, signal)
  if (!content) throw new PaasError('backup_failed', 'The vault took nothing.')
  return { snapshot, ...(await content) }
}

function volumeOf({ store }: VolumeParts, { volumeId, volume: name }: VolumeCopy): AppVolume {
  const volume = store.volumes.listAll().find(({ id, made }) => id === volumeId && made)
  if (volume) return volume
  throw new PaasError('volume_missing', `The volume ${name} has no data yet, or was destroyed.`)
}

export function differs(what: string): PaasError {
  return new PaasError('backup_damaged', `${what}.`)
}
