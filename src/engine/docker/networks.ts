import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Network } from '../../config.ts'
import { PaasError } from '../../errors.ts'
import type { AppId } from '../../model/ids.ts'
import type { Machine } from '../../model/machine.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import type { Host } from './host.ts'
import { networkName, type NetworkPurpose } from './names.ts'
import { networkOptions } from './network-options.ts'
import { freeSubnet, ipv4Range, parseRoutes, type Range } from './subnets.ts'

/** How often another subnet is tried when someone else took the chosen one in between. */
const attempts = 20

export type NetworkDeps = DockerDeps & {
  host: Pick<Host, 'secureNetwork' | 'diskUsage'>
  network: Network
  /** What runs containers of strangers; undefined: the engine's usual runtime. */
  runtime: string | undefined
  machine: () => Promise<Machine>
  /** Networks this process makes at the moment, by name: two dynos of one app may ask at once. */
  pending: Map<string, Promise<void>>
}

/**
 * The name of an app's network, made if need be. Dynos and builds have one each, so that a build
 * cannot reach what runs; builds cannot reach each other even inside theirs.
 * @param appId undefined: the server's own, for making stack images
 */
export async function ensureNetwork(
  deps: NetworkDeps,
  appId: AppId | undefined,
  purpose: NetworkPurpose,
): Promise<string> {
  const name = networkName(deps.serverId, appId, purpose)
  const making =
    deps.pending.get(name) ?? makeNetwork(deps, name, appId, purpose).finally(() => deps.pending.delete(name))
  deps.pending.set(name, making)
  await making
  return name
}

async function makeNetwork(deps: NetworkDeps, name: string, appId: AppId | undefined, purpose: NetworkPurpose) {
  if (await unlessMissing(deps.docker.getNetwork(name).inspect())) return
  const start = createHash('sha256').update(name).digest().readUInt16BE()
  for (let attempt = 0; attempt < attempts; attempt++) {
    const subnet = freeSubnet(await takenRanges(deps), start + attempt)
    if (subnet === undefined) break
    try {
      await deps.docker.createNetwork(networkOptions(deps.serverId, { appId, purpose, subnet }))
      return await secureOrRemove(deps, name)
    } catch (error) {
      if (await unlessMissing(deps.docker.getNetwork(name).inspect())) return
      if (!isConflict(error)) throw error
      deps.log.debug({ network: name, subnet }, 'subnet was taken meanwhile')
    }
  }
  throw new PaasError('engine_unavailable', 'No network could be created: 10.208.0.0/12 has no free /24 left.')
}

async function secureOrRemove(deps: NetworkDeps, name: string): Promise<void> {
  try {
    await deps.host.secureNetwork()
  } catch (error) {
    await deps.docker.getNetwork(name).remove()
    throw error
  }
}

/**
 * What the engine's networks and the host's routes occupy. On a remote engine the routes are
 * another host's, which does no harm.
 */
async function takenRanges({ docker, log }: DockerDeps): Promise<Range[]> {
  const networks = await docker.listNetworks()
  const subnets = networks.flatMap((network) => network.IPAM?.Config ?? []).map(({ Subnet }) => ipv4Range(Subnet ?? ''))
  const routes = await readFile('/proc/net/route', 'utf8').catch((error: unknown) => {
    log.debug({ error }, 'routes of the host cannot be read')
    return ''
  })
  return [...subnets.filter((range) => range !== undefined), ...parseRoutes(routes)]
}

/** Docker answers 403, 409 or 500 by version; the text is the same (libnetwork/ipamapi). */
function isConflict(error: unknown): boolean {
  return statusOf(error) !== undefined && /overlap|conflicts with network/i.test((error as Error).message)
}
