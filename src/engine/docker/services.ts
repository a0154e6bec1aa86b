import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import { within } from '../../model/machine.ts'
import type { AddonId, AppId } from '../../model/ids.ts'
import type { ServiceContainer, ServiceSpec } from '../engine.ts'
import { label } from '../labels.ts'
import { unlessMissing, type DockerDeps } from './client.ts'
import { containerAddress, containerState } from './dyno-view.ts'
import { isOurName, ownContainer } from './dynos.ts'
import { explainStopped, sessionMark } from './dyno-exec.ts'
import { checkKept, runExec } from './exec.ts'
import { tenantUser } from './host-config.ts'
import { withContainer } from './images.ts'
import { networkName, serverPrefix } from './names.ts'
import { ensureNetwork, type NetworkDeps } from './networks.ts'
import { removeContainer } from './removal.ts'
import { mountsOf, serviceOptions } from './service-options.ts'
import { mountBinds } from './volume-options.ts'
import { ownVolumes, requireVolumes } from './volumes.ts'

export async function runService(deps: NetworkDeps, spec: ServiceSpec, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { docker, serverId, network: opened, runtime } = deps
  const [network, machine] = await Promise.all([
    ensureNetwork(deps, spec.appId, 'run'),
    deps.machine(),
    requireVolumes(deps, mountsOf(spec)),
  ])
  if (spec.data) await ownData(deps, spec)
  const fitting = { ...spec, limits: within(spec.limits, machine) }
  const container = await docker.createContainer(serviceOptions(serverId, fitting, { network, opened, runtime }))
  try {
    for (const appId of spec.appIds) if (appId !== spec.appId) await connect(deps, container.id, { ...spec, appId })
    await container.start()
    signal.throwIfAborted()
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

/** By a container that is never started: the engine unpacks nothing where a root is read-only. */
async function ownData(deps: DockerDeps, spec: ServiceSpec): Promise<void> {
  const mounts = mountsOf(spec)
  const options = {
    Image: spec.image,
    Cmd: ['/bin/bash'],
    Labels: { [label.owner]: spec.addonId },
    HostConfig: { Binds: mountBinds(deps.serverId, mounts) },
  }
  await withContainer(deps, options, (container) => ownVolumes(container, tenantUser, mounts))
}

export async function listServices(
  { docker, serverId }: DockerDeps,
  { addonId }: { addonId?: AddonId } = {},
): Promise<ServiceContainer[]> {
  const own = addonId === undefined ? [] : [`${label.owner}=${addonId}`]
  const filters = { label: [`${label.server}=${serverId}`, `${label.kind}=service`, ...own] }
  const found = await docker.listContainers({ all: true, filters })
  const ours = found.filter(({ Names }) => Names.every(isOurName))
  const infos = await Promise.all(ours.map(({ Id }) => unlessMissing(docker.getContainer(Id).inspect())))
  return infos.filter((info) => info !== undefined).map((info) => view(serverId, info))
}

function view(serverId: string, info: Docker.ContainerInspectInfo): ServiceContainer {
  const labels = info.Config.Labels
  const begin = `${serverPrefix(serverId)}-`
  return {
    id: info.Id,
    addonId: (labels[label.owner] ?? '') as AddonId,
    appId: (labels[label.app] ?? '') as AppId,
    process: labels[label.dyno] ?? '',
    version: labels[label.version] ?? '',
    state: containerState(info),
    address: containerAddress(info),
    appIds: Object.keys(info.NetworkSettings.Networks).map((name) => name.slice(begin.length, -'-run'.length) as AppId),
  }
}

export async function connectService(
  deps: NetworkDeps,
  { id, appIds: present }: ServiceContainer,
  { appIds, host }: { appIds: AppId[]; host: string },
): Promise<void> {
  for (const appId of appIds) if (!present.includes(appId)) await connect(deps, id, { appId, host })
  for (const appId of present) {
    if (appIds.includes(appId)) continue
    const network = deps.docker.getNetwork(networkName(deps.serverId, appId, 'run'))
    await unlessMissing(network.disconnect({ Container: id, Force: true }))
  }
}

async function connect(deps: NetworkDeps, id: string, { appId, host }: { appId: AppId; host: string }): Promise<void> {
  const network = deps.docker.getNetwork(await ensureNetwork(deps, appId, 'run'))
  await network.connect({ Container: id, EndpointConfig: { Aliases: [host] } })
}

export async function execInService(
  deps: DockerDeps,
  id: string,
  { argv, env = {}, session }: { argv: string[]; env?: Record<string, string>; session?: string },
  signal: AbortSignal,
) {
  const container = await runningService(deps, id)
  const chunks: Buffer[] = []
  const command = { argv, env: { ...env, ...(session !== undefined && { [sessionMark]: session }) } }
  const code = await runExec(container, command, ({ data }) => void chunks.push(data), signal).catch(explainStopped)
  const output = Buffer.concat(chunks).toString()
  checkKept({ code, output })
  return { code, outOfMemory: false, output }
}

export async function readFromService(deps: DockerDeps, id: string, path: string): Promise<Readable> {
  return (await (await runningService(deps, id)).getArchive({ path })) as Readable
}

export async function writeToService(deps: DockerDeps, id: string, path: string, tar: Readable): Promise<void> {
  const container = await runningService(deps, id)
  await container.putArchive(tar, { path })
}

/** @throws not_found */
async function runningService(deps: DockerDeps, id: string): Promise<Docker.Container> {
  const container = await ownContainer(deps, id)
  if (container) return container
  throw new PaasError('not_found', 'The add-on is not running.')
}
