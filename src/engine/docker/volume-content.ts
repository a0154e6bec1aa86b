import { addAbortSignal, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import { retry } from '../../retry.ts'
import { label } from '../labels.ts'
import type { VolumeKey } from '../volumes.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import { ownContainer } from './dynos.ts'
import { createContainer, listImages, removeLater } from './images.ts'
import { removeContainer } from './removal.ts'
import { mountBinds } from './volume-options.ts'
import { requireVolumes } from './volumes.ts'

/**
 * Where the container that reads or fills a volume has it; what names in a tar of it begin with.
 */
const place = '/volume'

/**
 * Through a container that is never started: nothing of the volume's content runs, and its links
 * lead nowhere but into that container. The tar ends when the container is gone.
 */
export async function readVolume(deps: DockerDeps, key: VolumeKey, signal: AbortSignal): Promise<Readable> {
  const container = await createContainer(deps, await optionsFor(deps, key, true))
  try {
    const tar = (await container.getArchive({ path: place, abortSignal: signal })) as Readable
    const whole = Readable.from(untilRemoved(addAbortSignal(signal, tar), container), { objectMode: false })
    return whole.once('close', () => removeLater(deps, container)) // also where nothing was read
  } catch (cause) {
    removeLater(deps, container)
    throw cause
  }
}

async function* untilRemoved(tar: Readable, container: Docker.Container): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of tar) yield chunk as Buffer
  } finally {
    await removeContainer(container)
  }
}

/** Unpacked at `/`, so that the engine takes links that lead out of the volume as they are. */
export async function fillVolume(deps: DockerDeps, key: VolumeKey, tar: Readable, signal: AbortSignal): Promise<void> {
  // The engine waits for the rest of a tar that breaks off; its container goes then.
  const read = finished(tar, { writable: false })
  read.catch(() => undefined)
  let container: Docker.Container | undefined
  try {
    container = await createContainer(deps, await optionsFor(deps, key, false))
    await Promise.all([container.putArchive(tar, { path: '/', abortSignal: signal }), read])
  } catch (cause) {
    signal.throwIfAborted()
    throw tar.errored ?? cause
  } finally {
    tar.destroy()
    if (container) await removeContainer(container)
  }
}

/** Any image does: nothing of it is run. */
async function optionsFor(deps: DockerDeps, key: VolumeKey, readOnly: boolean): Promise<Docker.ContainerCreateOptions> {
  const [mount] = [{ ...key, at: place, readOnly }]
  await requireVolumes(deps, [mount])
  const [image] = await listImages(deps)
  if (!image) {
    throw new PaasError('image_missing', 'A volume can be read once an image of any app is there, and there is none.')
  }
  return {
    Image: image.digest,
    Cmd: ['/bin/bash'],
    Labels: { [label.owner]: key.owner },
    HostConfig: { Binds: mountBinds(deps.serverId, [mount]) },
  }
}

/** How often a container is tried to be paused, and milliseconds in between. */
const pausing = { attempts: 5, pause: 400 }

/**
 * The kernel does not stop processes that begin others all the time, or wait for a disk: the engine
 * lets all go on then.
 * @returns whether it ran, and so is paused now
 * @throws volume_changing
 */
export async function pauseDyno(deps: DockerDeps, id: string): Promise<boolean> {
  const container = await ownContainer(deps, id)
  if (!container) return false
  const onFailure = (cause: unknown, failures: number): void => {
    if (!/unable to freeze/.test(String(cause))) throw cause
    if (failures < pausing.attempts) return
    throw new PaasError('volume_changing', 'A dyno that may write to the volume could not be paused.', { cause })
  }
  return retry(() => pauseOnce(container), { onFailure, pause: () => pausing.pause })
}

async function pauseOnce(container: Docker.Container): Promise<boolean> {
  try {
    await unlessMissing(container.pause())
    return true
  } catch (cause) {
    if (statusOf(cause) === 409) return false // it does not run
    throw cause
  }
}

export async function resumeDyno(deps: DockerDeps, id: string): Promise<void> {
  const container = await ownContainer(deps, id)
  try {
    if (container) await unlessMissing(container.unpause())
  } catch (cause) {
    if (statusOf(cause) !== 409 && statusOf(cause) !== 500) throw cause // not paused, or ended
  }
}
