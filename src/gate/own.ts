import { label, type Kind } from '../engine/labels.ts'
import { cacheName, isVolumeName, serverPrefix } from '../engine/docker/names.ts'
import type { Network } from '../config.ts'
import type { AppId } from '../model/ids.ts'

/**
 * The server whose worker asks, and its settings. `ancestors`: servers that it is a copy of, whose
 * images it may run; `runtime`: undefined for the usual one.
 */
export type GateOwner = { serverId: string; ancestors: string[]; runtime: string | undefined; network: Network }

const containerKinds: string[] = ['dyno', 'oneoff', 'session', 'sandbox', 'service'] satisfies Kind[]

/** Whether a new container has these labels, so that all know whose it is. */
export function areOfContainer(labels: unknown, { serverId }: GateOwner): boolean {
  const { [label.server]: server, [label.kind]: kind = '', [label.stack]: stack } = labels as Record<string, string>
  return server === serverId && containerKinds.includes(kind) && stack === undefined
}

/** Nobody but a caller of the engine's API chooses a name. */
export function isOwnName(name: string, { serverId }: GateOwner): boolean {
  return name.startsWith(`${serverPrefix(serverId)}-`) && /^[A-Za-z0-9_.-]+$/.test(name)
}

/** As the engine describes a container or a network. */
export function isOwn(labels: Record<string, string> | undefined, name: string, owner: GateOwner): boolean {
  return labels?.[label.server] === owner.serverId && isOwnName(name, owner)
}

/** A name that `imageName` gives. */
export function isOwnReference(reference: string, { serverId }: GateOwner): boolean {
  const [name, tag = ''] = reference.split(':', 2)
  return name === serverPrefix(serverId) && /^[0-9a-f]{16}$/.test(tag)
}

/** One that all servers of the engine share, named by what is in it. */
export function isSharedReference(reference: string): boolean {
  return /^paas\/[a-z0-9-]{1,60}:[0-9a-f]{16}$/.test(reference)
}

export function isAppId(text: string | undefined): text is AppId {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

/** Of the build cache of any app of the server. */
export function isCacheName(name: string, { serverId }: Pick<GateOwner, 'serverId'>): boolean {
  const appId = name.slice(`${serverPrefix(serverId)}-`.length, -'-cache'.length)
  return isAppId(appId) && name === cacheName(serverId, appId)
}

/** Of a volume of the server, whoever's it is. */
export function isOwnVolume(name: string, { serverId }: Pick<GateOwner, 'serverId'>): boolean {
  return isVolumeName(name) && name.startsWith(`${serverPrefix(serverId)}-`)
}

/** The app or add-on whose a volume of the server is. */
export function ownerOfVolume(name: string): string {
  return name.slice(-'-data'.length - 2 * 36 - 1).slice(0, 36)
}
