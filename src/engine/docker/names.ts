import { createHash, randomBytes } from 'node:crypto'
import type { AppId } from '../../model/ids.ts'
import type { VolumeKey } from '../volumes.ts'

/**
 * All containers, networks and volumes have names that begin so; nobody but a caller of the
 * engine's API can choose a name.
 */
export const namePrefix = 'paas-'

/** All bridges of all servers on one engine; the firewall's rules match it. */
export const bridgePrefix = 'paas'

export type NetworkPurpose = 'run' | 'build'

/** What names of one server begin with. */
export function serverPrefix(serverId: string): string {
  return `${namePrefix}${digest(serverId).slice(0, 8)}`
}

/** A new name for a container. `parts` are of `[a-zA-Z0-9_.-]`. */
export function containerName(serverId: string, ...parts: string[]): string {
  return [serverPrefix(serverId), ...parts, randomBytes(3).toString('hex')].join('-')
}

export function networkName(serverId: string, appId: AppId | undefined, purpose: NetworkPurpose): string {
  return `${serverPrefix(serverId)}-${appId ?? 'platform'}-${purpose}`
}

/**
 * Bridges of one server share their first eight characters. Where no tenant is, while a stack image
 * is made, the firewall's rules must not match: the mirror of Debian's packages may well be on a
 * private network. A Linux interface name has at most 15 characters (IFNAMSIZ).
 */
export function bridgeName(serverId: string, appId: AppId | undefined, purpose: NetworkPurpose): string {
  const prefix = appId === undefined ? 'stack' : bridgePrefixOf(serverId)
  return `${prefix}${digest(networkName(serverId, appId, purpose))}`.slice(0, 15)
}

export function bridgePrefixOf(serverId: string): string {
  return `${bridgePrefix}${digest(serverId).slice(0, 4)}`
}

export function cacheName(serverId: string, appId: AppId): string {
  return `${serverPrefix(serverId)}-${appId}-cache`
}

/** Says whose it is, so that it is known of a mount who may have it. */
export function volumeName(serverId: string, { id, owner }: VolumeKey): string {
  return `${serverPrefix(serverId)}-${owner}-${id}-data`
}

/** A name as `volumeName` gives it, of any server. */
export function isVolumeName(name: string): boolean {
  return /^paas-[0-9a-f]{8}(-[0-9a-f-]{36}){2}-data$/.test(name)
}

/** Shared by all servers of an engine, as the image is. */
export function storeName(imageDigest: string): string {
  return `${namePrefix}base-${digest(imageDigest).slice(0, 16)}`
}

/** Images are named so that `docker image prune`, which takes the nameless ones, spares them. */
export function imageName(serverId: string): string {
  return `${serverPrefix(serverId)}:${randomBytes(8).toString('hex')}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
