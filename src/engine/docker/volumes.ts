import type { Readable } from 'node:stream'
import { posix } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import { tenant, type Owner } from '../../model/app-user.ts'
import { extract, pack } from '../../tar.ts'
import { label } from '../labels.ts'
import type { Mount, Volume, VolumeKey, VolumeKind, VolumeSpec } from '../volumes.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import type { Host } from './host.ts'
import { volumeName } from './names.ts'
import { volumeOptions } from './volume-options.ts'

export async function createVolume({ docker, serverId }: DockerDeps, spec: VolumeSpec): Promise<void> {
  await docker.createVolume(volumeOptions(serverId, spec))
}

export async function listVolumes({ docker, serverId }: DockerDeps, { owner }: { owner?: string } = {}) {
  const labels = [`${label.server}=${serverId}`, ...(owner === undefined ? [] : [`${label.owner}=${owner}`])]
  const { Volumes } = await docker.listVolumes({ filters: { label: labels } })
  return Volumes.map(viewVolume).filter((volume) => volume !== undefined)
}

/** A build cache has no owner. */
function viewVolume(info: Docker.VolumeInspectInfo): Volume | undefined {
  const { [label.volume]: id, [label.owner]: owner, [label.kind]: kind, [label.volumeName]: name } = info.Labels
  if (!id || !owner) return undefined
  const { CreatedAt } = info as { CreatedAt?: string }
  return { id, owner, kind: kind as VolumeKind, name: name ?? '', createdAt: new Date(CreatedAt ?? 0) }
}

/** @throws volume_in_use */
export async function removeVolume({ docker, serverId }: DockerDeps, key: VolumeKey): Promise<void> {
  try {
    await unlessMissing(docker.getVolume(volumeName(serverId, key)).remove())
  } catch (cause) {
    if (statusOf(cause) !== 409) throw cause
    throw new PaasError('volume_in_use', 'A dyno or service still has the volume.', { cause })
  }
}

export async function dataBytes(
  { docker, serverId, host }: DockerDeps & { host: Pick<Host, 'volumeBytes'> },
  key: VolumeKey,
): Promise<number | undefined> {
  return host.volumeBytes(docker.getVolume(volumeName(serverId, key)))
}

/**
 * The engine would make an empty volume in place of one that is not there, and nobody would notice.
 * @throws volume_missing
 */
export async function requireVolumes({ docker, serverId }: DockerDeps, mounts: Mount[] = []): Promise<void> {
  for (const { at, id, owner } of mounts) {
    if (await unlessMissing(docker.getVolume(volumeName(serverId, { id, owner })).inspect())) continue
    throw new PaasError('volume_missing', `The volume for ${at} (${id}) is missing in Docker.`)
  }
}

/**
 * Gives the root of each new volume to the user that the container runs as. It is open to all of
 * its containers, since those of a Dockerfile's image may have other users; an owner may close it.
 * One that was given away before stays as it is: nobody but root has a new one.
 * @param user as the engine takes it, `UID` or `UID:GROUP`
 */
export async function ownVolumes(container: Docker.Container, user: string, mounts: Mount[] = []): Promise<void> {
  for (const { at, readOnly } of mounts) {
    if (readOnly || (await ownerOf(container, at)) !== 0) continue
    const archive = pack()
    archive.entry({ name: posix.basename(at), type: 'directory', mode: 0o777, ...ownerNamed(user) })
    archive.finalize()
    await container.putArchive(await buffer(archive), { path: posix.dirname(at) })
  }
}

/** The directory itself is the first entry of its archive; the rest is not read. */
async function ownerOf(container: Docker.Container, path: string): Promise<number | undefined> {
  const tar = (await container.getArchive({ path })) as Readable
  const entries = tar.pipe(extract())
  tar.on('error', (error) => entries.destroy(error))
  try {
    for await (const { header } of entries) return header.uid
    return undefined
  } finally {
    tar.destroy()
  }
}

function ownerNamed(user: string): Owner {
  const [uid, gid] = user.split(':').map(Number)
  return { uid: Number.isInteger(uid) ? uid! : tenant.uid, gid: Number.isInteger(gid) ? gid! : tenant.gid }
}
