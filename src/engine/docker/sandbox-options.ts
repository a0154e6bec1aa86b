import type Docker from 'dockerode'
import type { AppId } from '../../model/ids.ts'
import { within } from '../../model/machine.ts'
import type { Limits, SandboxSpec } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { ensureCache } from './cache.ts'
import { confined, hostNames, nameServers, rootless, trusted } from './host-config.ts'
import { tenant } from '../../model/app-user.ts'
import { idleCommand } from './idle.ts'
import { cacheName, containerName, storeName } from './names.ts'
import { ensureNetwork, type NetworkDeps } from './networks.ts'

/** How a sandbox's container is made; its network and cache exist then. */
export async function sandboxOptions(deps: NetworkDeps, spec: SandboxSpec): Promise<Docker.ContainerCreateOptions> {
  const [network, machine] = await Promise.all([
    ensureNetwork(deps, spec.appId, 'build'),
    deps.machine(),
    spec.appId && spec.cacheAt ? ensureCache(deps, spec.appId) : undefined,
  ])
  const limits = within(spec.limits, machine)
  return {
    ...idleCommand(spec),
    name: containerName(deps.serverId, spec.name),
    Image: spec.image,
    User: spec.user,
    Env: Object.entries(spec.env).map(([key, value]) => `${key}=${value}`),
    ...(spec.workingDirectory === undefined ? {} : { WorkingDir: spec.workingDirectory }),
    Labels: { ...spec.labels, ...ownLabels(deps.serverId, spec.appId) },
    HostConfig: {
      ...confinement(spec, limits),
      /** When the machine runs out of memory, builds are killed first. */
      OomScoreAdj: 500,
      ...(deps.runtime !== undefined && !spec.trusted && { Runtime: deps.runtime }),
      NetworkMode: network,
      ...hostNames(deps.network),
      ...(!spec.trusted && nameServers(deps.network)),
      Tmpfs: secretsMount(spec),
      Binds: [...cacheMount(deps.serverId, spec), ...storeMounts(spec)],
      // The caller reads all output, which may be a whole slug; nobody asks for it later.
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

function ownLabels(serverId: string, appId: AppId | undefined): Record<string, string> {
  return { [label.server]: serverId, [label.kind]: 'sandbox' satisfies Kind, [label.app]: appId ?? '' }
}

/** tmpfs is memory, and counts as the sandbox's. Only `user` can enter. */
function secretsMount({ secretsAt, user }: SandboxSpec): Record<string, string> {
  if (!secretsAt) return {}
  const { uid, gid } = user === 'root' ? { uid: 0, gid: 0 } : tenant
  return { [secretsAt]: `rw,noexec,nosuid,nodev,size=16m,mode=0700,uid=${uid},gid=${gid}` }
}

function cacheMount(serverId: string, { appId, cacheAt }: SandboxSpec): string[] {
  return appId && cacheAt ? [`${cacheName(serverId, appId)}:${cacheAt}`] : []
}

function confinement({ trusted: isTrusted, rootless: isRootless, stores = [] }: SandboxSpec, limits: Limits) {
  if (isTrusted) return trusted(limits)
  if (!isRootless) return confined(limits)
  return rootless(
    limits,
    stores.some(({ writable }) => writable),
  )
}

/**
 * Their volumes are made with the container, and belong to nobody: they hold what every server of
 * the engine has.
 */
function storeMounts({ stores = [] }: SandboxSpec): string[] {
  return stores.map(({ digest, at, writable }) => `${storeName(digest)}:${at}${writable ? '' : ':ro'}`)
}
