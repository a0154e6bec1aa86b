import type { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import type { VolumeContent } from '../model/volume-copy.ts'
import type { AppVolume } from '../model/volume.ts'
import { contentOf, sameContent, watchContent } from '../volumes/content.ts'
import { copyStill } from '../volumes/still.ts'
import type { Begun } from './begun.ts'
import { damaged } from './damaged.ts'
import type { StoredVolume } from './manifest.ts'
import type { Restic, Stored } from './restic.ts'
import { storeEach, type Kept } from './store-each.ts'

/** A tar of a volume, with its dynos paused or not. */
export type OpenVolume = (volume: AppVolume, still: boolean, signal: AbortSignal) => Promise<Readable>

type Storing = { restic: Restic; host: string; open: OpenVolume; say: (step: string) => void }

/** Of the data of volumes and add-ons, one snapshot each. */
export const dataTag = 'paas-server-data'
const file = 'volume.tar'

/**
 * Stores what is in the volumes of apps, each read back and compared. One that cannot be copied is
 * told and keeps nobody from having the rest.
 */
export async function storeVolumes(
  deps: Storing,
  volumes: AppVolume[],
  signal: AbortSignal,
): Promise<Kept<StoredVolume>> {
  const all = volumes.filter(({ made, leaving }) => made && !leaving)
  const named = ({ name }: AppVolume): string => `the volume ${name}`
  const store = (volume: AppVolume) => storeVolume(deps, volume, signal)
  return storeEach(all, { named, store }, signal)
}

async function storeVolume({ restic, host, open, say }: Storing, volume: AppVolume, signal: AbortSignal) {
  const { data: id, appId: owner, name } = volume
  say(`storing the volume ${name} (${volume.id.slice(0, 8)})`)
  const { stored, isStill, ...content } = await copyStill(volume, async (still) => {
    const watched = watchContent(await open(volume, still, signal))
    watched.content.catch(() => undefined)
    const put = await restic.storeStream(watched.tar, { file, tag: `${dataTag},${id}`, host }, signal)
    return { ...(await watched.content), stored: put satisfies Stored }
  })
  const found = await restic.read(stored.snapshot, file, { use: contentOf, signal })
  if (!sameContent(found, content)) throw damaged(`the volume ${name} is not what was stored`)
  return { stored, one: { id, owner, name, snapshot: stored.snapshot, content, isStill } }
}

type Restoring = {
  restic: Restic
  engine: Pick<Engine, 'createVolume' | 'fillVolume' | 'readVolume' | 'removeVolume' | 'listVolumes'>
  begun: Begun
  say: (step: string) => void
}

/**
 * Makes the volumes anew. One that the engine still has stays as it is: it is newer.
 * @returns the names of those that were there
 * @throws backup_damaged; a volume that was begun is gone then
 */
export async function restoreVolumes(deps: Restoring, volumes: StoredVolume[], signal: AbortSignal): Promise<string[]> {
  const { engine, restic, begun, say } = deps
  const present = new Set((await engine.listVolumes()).map(({ id }) => id))
  const kept: string[] = []
  for (const { id, owner, name, snapshot, content } of volumes) {
    if (present.has(id)) {
      kept.push(name)
      continue
    }
    say(`restoring the volume ${name}`)
    await begun.note({ id, owner })
    await engine.createVolume({ id, owner, kind: 'volume', name })
    try {
      await restic.read(snapshot, file, { use: (tar) => engine.fillVolume({ id, owner }, tar, signal), signal })
      const found = await contentOf(await engine.readVolume({ id, owner }, signal))
      if (!sameContent(found, content)) {
        throw damaged(`the volume ${name} is not what was stored: ${shown(found)} in place of ${shown(content)}`)
      }
    } catch (cause) {
      await engine.removeVolume({ id, owner })
      throw cause
    }
  }
  return kept
}

function shown({ files, bytes, checksum }: VolumeContent): string {
  return `${files} files of ${bytes} bytes (${checksum.slice(0, 8)})`
}
