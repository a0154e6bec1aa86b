import type { Readable } from 'node:stream'
import { PaasError } from '../errors.ts'
import { appUser } from '../model/app-user.ts'
import type { VolumeContent, VolumeCopy } from '../model/volume-copy.ts'
import type { AppVolume } from '../model/volume.ts'
import { createVolumeRelease } from '../release/create.ts'
import { differs } from './back-up.ts'
import { contentOf, sameContent, watchContent } from './content.ts'
import { readNow, type VolumeParts } from './parts.ts'
import { copyStill } from './still.ts'
import { uploadedFiles } from './uploaded-files.ts'

type Doing = { signal: AbortSignal; upload?: Readable | undefined }
type Filled = VolumeContent & { isStill: boolean }

/**
 * Makes a new volume and fills it with what the copy is of. The record knows it only when all of it
 * is there and was compared.
 * @returns whether a release was made, with which it takes the place of the one it was copied from
 */
export async function fillNew(parts: VolumeParts, copy: VolumeCopy, doing: Doing): Promise<{ release: boolean }> {
  const { engine } = parts
  if (!copy.into) throw new PaasError('internal', 'A copy into a volume names none.')
  const key = { id: copy.into.data, owner: copy.appId }
  const anew = async (): Promise<void> => {
    await engine.removeVolume(key)
    await engine.createVolume({ ...key, kind: 'volume', name: copy.into?.name ?? '' })
  }
  await anew()
  const filled = await contents[copy.kind](parts, copy, { ...doing, key, anew })
  if (copy.kind !== 'upload') {
    const found = await contentOf(await engine.readVolume(key, doing.signal))
    if (!sameContent(found, filled)) throw differs('The new volume is not what was copied')
  }
  return { release: record(parts, copy, filled) }
}

type Into = Doing & { key: { id: string; owner: string }; anew: () => Promise<void> }

const contents: Record<VolumeCopy['kind'], (parts: VolumeParts, copy: VolumeCopy, into: Into) => Promise<Filled>> = {
  restore: async ({ engine, store, vault }, { from }, { key, signal }) => {
    const backup = from && store.volumeCopies.find(from)
    if (!backup || backup.state.kind !== 'succeeded' || !backup.state.snapshot) {
      throw new PaasError('backup_missing', 'There is no such backup of the volume.')
    }
    await engine.fillVolume(key, await vault.read(backup.state.snapshot, signal), signal)
    return backup.state
  },
  fork: async (parts, { volumeId }, { key, anew, signal }) => {
    const volume = parts.store.volumes.listAll().find(({ id, made }) => id === volumeId && made)
    if (!volume) throw new PaasError('volume_missing', 'The volume has no data yet, or was destroyed.')
    return copyStill({ ...volume, bytes: 0 }, async (still) => {
      await anew()
      return pass(parts, await readNow(parts, volume, { still }, signal), key, signal)
    })
  },
  upload: async (parts, { appId }, { key, upload, signal }) => {
    if (!upload) throw new PaasError('internal', 'An upload has no files.')
    const { volumeMiB } = parts.limits
    const files = uploadedFiles(upload, { owner: appUser(appId), bytes: volumeMiB * 2 ** 20 })
    return { ...(await pass(parts, files, key, signal)), isStill: true }
  },
  backup: async () => {
    throw new PaasError('internal', 'A backup fills no volume.')
  },
}

async function pass({ engine }: VolumeParts, source: Readable, key: Into['key'], signal: AbortSignal) {
  const { tar, content } = watchContent(source)
  await engine.fillVolume(key, tar, signal)
  return content
}

/** In one transaction: the volume is there, and with `switch` in the place of the other. */
function record({ store }: VolumeParts, copy: VolumeCopy, filled: Filled): boolean {
  const { appId, volumeId, into } = copy
  if (!into) return false
  return store.transaction(() => {
    const app = store.apps.get(appId)
    if (!app || app.destroying) throw new PaasError('app_not_found', 'The app was destroyed.')
    const of = store.volumes.list(appId).find(({ id }) => id === volumeId)
    const made = store.volumes.addFilled(copied(appId, into.name), into.data)
    const { checksum, files, bytes, isStill } = filled
    const done = { checksum, files, bytes, isStill, snapshot: null, endedAt: new Date() }
    store.volumeCopies.setState(copy.id, { kind: 'succeeded', ...done })
    if (!into.switch || !of) return false
    const description = `Switch volume ${of.name} with ${made.name}`
    const release = createVolumeRelease(store, app, { description, accountId: app.ownerId })
    store.volumes.switchData(of, made, release.id)
    if (release.slugId === null) store.releases.setState(release.id, { kind: 'succeeded' })
    return true
  })
}

/** No process type has it; one-off dynos do. */
function copied(appId: AppVolume['appId'], name: string) {
  return { appId, name, mount: `/volumes/${name}`, types: [], singleWriter: true }
}
