import { PaasError } from '../errors.ts'
import { newId, type VolumeId } from '../model/ids.ts'
import type { VolumeCopy } from '../model/volume-copy.ts'
import { differs } from './back-up.ts'
import { contentOf, sameContent } from './content.ts'
import type { VolumeParts } from './parts.ts'

/** What a throw-away volume is called: no volume of an app can be. */
const trialName = 'proof.'

/**
 * Restores a backup into a throw-away volume and compares what is there then, files, bytes and
 * checksums, with what it was made of.
 * @throws backup_damaged, and what the backup target says
 */
export async function prove(parts: VolumeParts, copy: VolumeCopy, signal: AbortSignal): Promise<void> {
  const { engine, vault } = parts
  if (copy.state.kind !== 'succeeded' || !copy.state.snapshot) throw new PaasError('backup_missing', 'It is gone.')
  const key = { id: newId<VolumeId>(), owner: copy.appId }
  await engine.createVolume({ ...key, kind: 'volume', name: `${trialName}${copy.volume}` })
  try {
    await engine.fillVolume(key, await vault.read(copy.state.snapshot, signal), signal)
    const found = await contentOf(await engine.readVolume(key, signal))
    if (!sameContent(found, copy.state)) throw differs(difference(copy.state, found))
  } finally {
    await engine.removeVolume(key)
  }
}

type Counted = { files: number; bytes: number }

function difference(noted: Counted, found: Counted): string {
  const shown = ({ files, bytes }: Counted): string => `${files} files of ${bytes} bytes`
  const isCounted = noted.files !== found.files || noted.bytes !== found.bytes
  const how = isCounted ? `${shown(found)} in place of ${shown(noted)}` : 'files differ'
  return `The restored volume is not what was stored: ${how}`
}

/** Throws away what a worker that was killed has left. */
export async function removeTrialVolumes({ engine, store }: Pick<VolumeParts, 'engine' | 'store'>): Promise<void> {
  const known = new Set<string>(store.volumes.listAll().map(({ data }) => data))
  for (const { id, owner, kind, name } of await engine.listVolumes()) {
    if (kind === 'volume' && name.startsWith(trialName) && !known.has(id)) await engine.removeVolume({ id, owner })
  }
}
