import { asPaasError } from '../errors.ts'
import type { AppId } from '../model/ids.ts'
import { fillOf, type Fill, type AppVolume } from '../model/volume.ts'
import type { Working } from './parts.ts'

/**
 * Those that were destroyed, as soon as the release without them serves and no dyno has them; the
 * patrol tries again.
 */
export async function removeLeavingVolumes({ store, engine, log }: Working, appId: AppId): Promise<void> {
  const leaving = store.volumes.listAll().filter((volume) => volume.leaving && volume.appId === appId)
  for (const { id, data, name, leftBy } of leaving) {
    if (leftBy && store.releases.find(leftBy)?.state.kind === 'pending') continue
    try {
      await engine.removeVolume({ id: data, owner: appId })
      store.volumes.remove(id)
      log.info({ app: appId, volume: name }, 'volume removed')
    } catch (cause) {
      if (asPaasError(cause).code !== 'volume_in_use') throw cause
      log.debug({ app: appId, volume: name }, 'a volume that was destroyed is still in use')
    }
  }
}

/** All of an app that is being destroyed. @throws volume_in_use */
export async function removeVolumes({ store, engine }: Working, appId: AppId): Promise<void> {
  for (const volume of store.volumes.listAll()) {
    if (volume.appId === appId) await engine.removeVolume({ id: volume.data, owner: appId })
  }
}

/**
 * What each volume takes of the disk, for which its files are walked. No engine limits that: the
 * app's log warns at 90 %, and dynos get one that is over its limit to read only, until there is
 * room again.
 */
export async function measureVolumes(worker: Working): Promise<void> {
  const { store, engine, config } = worker
  for (const volume of store.volumes.listAll()) {
    if (volume.leaving || !volume.made) continue
    const bytes = await engine.dataBytes({ id: volume.data, owner: volume.appId })
    if (bytes === undefined) continue
    const fill = fillOf(bytes, config.limits.volumeMiB)
    store.volumes.recordBytes(volume.id, { bytes, fill })
    if (fill !== volume.fill) await act(worker, { volume, bytes, fill })
  }
}

type Change = { volume: AppVolume; bytes: number; fill: Fill }

/** Dynos keep what they were started with, so they are replaced where they may write no more. */
async function act({ platformLog, dispatcher, config }: Working, { volume, bytes, fill }: Change): Promise<void> {
  const { appId, name, types } = volume
  const use = `Volume ${name} has ${Math.ceil(bytes / 2 ** 20)} of ${config.limits.volumeMiB} MiB`
  const wasFull = volume.fill === 'full'
  if (fill === 'near' && !wasFull) platformLog.api(appId, `${use}. At the limit it becomes read-only`)
  if (fill !== 'full' && !wasFull) return
  const room = `Make room in: paas run bash`
  platformLog.api(
    appId,
    fill === 'full' ? `${use}, and is read-only from now on. ${room}` : `${use}, and can be written again`,
  )
  for (const type of types) await dispatcher.run({ kind: 'restart', appId, dyno: type })
}
