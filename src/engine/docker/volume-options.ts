import type Docker from 'dockerode'
import { label, type Kind } from '../labels.ts'
import type { Mount, VolumeSpec } from '../volumes.ts'
import { volumeName } from './names.ts'

/** The labels say all that is known of a volume, so that people and a later record can tell. */
export function volumeOptions(serverId: string, { id, owner, kind, name }: VolumeSpec): Docker.VolumeCreateOptions {
  return {
    Name: volumeName(serverId, { id, owner }),
    Labels: {
      [label.server]: serverId,
      [label.kind]: kind satisfies Kind,
      [label.volume]: id,
      [label.owner]: owner,
      [label.volumeName]: name,
    },
  }
}

/**
 * `nocopy`: what an image has at that place does not get into an empty volume, so that a volume has
 * nothing but what was written to it.
 */
export function mountBinds(serverId: string, mounts: Mount[] = []): string[] {
  return mounts.map(({ id, owner, at, readOnly }) => {
    return `${volumeName(serverId, { id, owner })}:${at}:${readOnly ? 'ro,' : ''}nocopy`
  })
}
