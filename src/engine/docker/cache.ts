import type Docker from 'dockerode'
import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pack } from '../../tar.ts'
import { PaasError } from '../../errors.ts'
import type { AppId } from '../../model/ids.ts'
import { label, type Kind } from '../labels.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import { tenant } from '../../model/app-user.ts'
import type { Host } from './host.ts'
import { cacheName } from './names.ts'

/** The name of the app's build cache volume, made if need be. */
export async function ensureCache({ docker, serverId }: DockerDeps, appId: AppId): Promise<string> {
  const name = cacheName(serverId, appId)
  const Labels = { [label.server]: serverId, [label.app]: appId, [label.kind]: 'cache' satisfies Kind }
  await docker.createVolume({ Name: name, Labels })
  return name
}

/**
 * Makes the tenant own the volume mounted at `path`: a directory entry for it is unpacked over the
 * mount point.
 */
export async function ownCache(container: Docker.Container, path: string): Promise<void> {
  const archive = pack()
  archive.entry({ name: posix.basename(path), type: 'directory', mode: 0o755, ...tenant })
  archive.finalize()
  await container.putArchive(await buffer(archive), { path: posix.dirname(path) })
}

/** @throws cache_in_use */
export async function removeCache({ docker, serverId }: DockerDeps, appId: AppId): Promise<void> {
  try {
    await unlessMissing(docker.getVolume(cacheName(serverId, appId)).remove({ force: true }))
  } catch (cause) {
    if (statusOf(cause) !== 409) throw cause
    throw new PaasError('cache_in_use', 'A build is using the build cache of the app.', { cause })
  }
}

/** Bytes; 0 without a cache, undefined where nothing is known of the engine's disk. */
export async function cacheBytes(
  { docker, serverId, host }: DockerDeps & { host: Pick<Host, 'volumeBytes'> },
  appId: AppId,
): Promise<number | undefined> {
  return host.volumeBytes(docker.getVolume(cacheName(serverId, appId)))
}
