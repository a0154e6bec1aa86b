import { PaasError } from '../errors.ts'
import { newId, type VolumeCopyId, type VolumeId } from '../model/ids.ts'
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

/**
 * Restores a backup into a throw-away volume and compares what is there then with what it was made
 * of.
 * @throws backup_damaged
 */
export async function prove(parts: VolumeParts, id: VolumeCopyId, signal: AbortSignal): Promise<void> {
  const { engine, store, vault } = parts
  const copy = store.volumeCopies.find(id)
  if (copy?.state.kind !== 'succeeded' || !copy.state.snapshot) return
  const key = { id: newId<VolumeId>(), owner: copy.appId }
  await engine.createVolume({ ...key, kind: 'volume', name: 'proof' })
  try {
    await engine.fillVolume(key, await vault.read(copy.state.snapshot, signal), signal)
    const found = await contentOf(await engine.readVolume(key, signal))
    if (!sameContent(found, copy.state)) throw differs('The restored volume is not what was stored')
    store.volumeCopies.recordProof(id)
  } finally {
    await engine.removeVolume(key)
  }
}

function volumeOf({ store }: VolumeParts, { volumeId, volume: name }: VolumeCopy): AppVolume {
  const volume = store.volumes.listAll().find(({ id, made }) => id === volumeId && made)
  if (volume) return volume
  throw new PaasError('volume_missing', `The volume ${name} has no data yet, or was destroyed.`)
}

export function differs(what: string): PaasError {
  return new PaasError('backup_damaged', `${what}.`)
}
