import type Docker from 'dockerode'
import type { AppId } from '../../model/ids.ts'
import { label, type Kind } from '../labels.ts'
import { removeCache } from './cache.ts'
import { statusOf, unlessMissing, type DockerDeps } from './client.ts'
import { isOurName } from './dynos.ts'
import { listImages, removeImage } from './images.ts'
import { removeContainer } from './removal.ts'

/** Containers first: they hold networks, volumes and images. */
export async function removeApp(deps: DockerDeps, appId: AppId, keep: ReadonlySet<string> = new Set()): Promise<void> {
  await removeContainers(deps, [`${label.app}=${appId}`])
  await removeNetworks(deps, [`${label.app}=${appId}`])
  await removeCache(deps, appId)
  const images = await listImages(deps, { appId })
  for (const { digest } of images.filter((image) => !keep.has(image.digest))) await removeImage(deps, digest)
}

/** Seconds: a database writes what it has. */
const haltGrace = 30

/** What stays is the record's: images of slugs, and volumes with data. */
export async function haltServer(deps: DockerDeps): Promise<void> {
  const { docker, serverId } = deps
  const own = `${label.server}=${serverId}`
  const running = await docker.listContainers({ filters: { label: [own] } })
  const halt = ({ Id }: { Id: string }) =>
    unlessMissing(docker.getContainer(Id).stop({ t: haltGrace }).catch(unlessStopped))
  await Promise.all(running.filter(({ Names }) => Names.every(isOurName)).map(halt))
  await removeContainers(deps, [])
  await removeNetworks(deps, [])
  const caches = await docker.listVolumes({ filters: { label: [own, `${label.kind}=cache`] } })
  await Promise.all(caches.Volumes.map(({ Name }) => unlessMissing(docker.getVolume(Name).remove({ force: true }))))
}

/** It ended by itself. */
function unlessStopped(cause: unknown): void {
  if (statusOf(cause) !== 304) throw cause
}

/** Images newest first: one that others were made on is held by them. */
export async function removeServer(deps: DockerDeps): Promise<void> {
  await removeContainers(deps, [])
  await removeNetworks(deps, [])
  const { Volumes } = await deps.docker.listVolumes({ filters: { label: [`${label.server}=${deps.serverId}`] } })
  await Promise.all(Volumes.map(({ Name }) => unlessMissing(deps.docker.getVolume(Name).remove({ force: true }))))
  for (const { digest } of await listImages(deps)) await removeImage(deps, digest)
}

/**
 * Removes sandboxes, sessions and most one-off dynos: a client waits for each, and after a restart
 * none does.
 */
export async function removeOrphans(deps: DockerDeps, keep?: ReadonlySet<string>): Promise<number> {
  const kinds: Kind[] = ['sandbox', 'oneoff', 'session']
  const counts = await Promise.all(kinds.map((kind) => removeContainers(deps, [`${label.kind}=${kind}`], keep)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function removeContainers(
  { docker, serverId }: DockerDeps,
  labels: string[],
  keep: ReadonlySet<string> = new Set(),
): Promise<number> {
  const filters = { label: [`${label.server}=${serverId}`, ...labels] }
  const found = await docker.listContainers({ all: true, filters })
  const ours = found.filter(({ Names, Id }) => Names.every(isOurName) && !keep.has(Id))
  await Promise.all(ours.map(({ Id }) => removeContainer(docker.getContainer(Id))))
  return ours.length
}

async function removeNetworks({ docker, serverId }: DockerDeps, labels: string[]): Promise<void> {
  const networks = await docker.listNetworks({ filters: { label: [`${label.server}=${serverId}`, ...labels] } })
  await Promise.all(networks.map(({ Id }) => removeNetwork(docker.getNetwork(Id))))
}

/** The last step of an aborted Dockerfile build may still be connected to it. */
async function removeNetwork(network: Docker.Network): Promise<void> {
  const info = (await unlessMissing(network.inspect())) as { Containers?: Record<string, unknown> } | undefined
  for (const Container of Object.keys(info?.Containers ?? {})) {
    await unlessMissing(network.disconnect({ Container, Force: true }))
  }
  await unlessMissing(network.remove())
}
