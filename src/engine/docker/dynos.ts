import { Semaphore } from 'async-mutex'
import type Docker from 'dockerode'
import { PaasError } from '../../errors.ts'
import type { AppId } from '../../model/ids.ts'
import { isAppUser } from '../../model/app-user.ts'
import { within } from '../../model/machine.ts'
import type { Dyno, DynoSpec } from '../engine.ts'
import { label, type Kind } from '../labels.ts'
import { EngineRefusal, statusOf, unlessMissing, type DockerDeps } from './client.ts'
import { dynoOptions, type Session } from './dyno-options.ts'
import { viewDyno } from './dyno-view.ts'
import type { DynoViews } from './dyno-views.ts'
import { tenantUser } from './host-config.ts'
import type { ImageUsers } from './image-user.ts'
import { namePrefix } from './names.ts'
import { ensureNetwork, type NetworkDeps } from './networks.ts'
import type { OutputReaders } from './readers.ts'
import { removeContainer } from './removal.ts'
import { ownVolumes, requireVolumes } from './volumes.ts'

/** How long a dyno that was stopped waits for those who read its last output, milliseconds. */
const longestReading = 5_000

/** Each inspection has a connection of its own. */
const inspectedAtOnce = 32

const dynoKinds: string[] = ['dyno', 'oneoff', 'session'] satisfies Kind[]

export type DynoDeps = NetworkDeps & { imageUsers: ImageUsers }

/** Starts a dyno. After an abort or a failed start nothing of it is left. */
export async function runDyno(deps: DynoDeps, spec: DynoSpec, signal: AbortSignal): Promise<Dyno> {
  const container = await createDyno(deps, spec, signal)
  try {
    await startContainer(container, spec)
    signal.throwIfAborted()
    return viewDyno(await container.inspect())
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

/** @param session how a client is to be attached to it */
export async function createDyno(
  deps: DynoDeps,
  spec: DynoSpec,
  signal: AbortSignal,
  session?: Session,
): Promise<Docker.Container> {
  signal.throwIfAborted()
  const [network, image, machine] = await Promise.all([
    ensureNetwork(deps, spec.appId, 'run'),
    unlessMissing(deps.docker.getImage(spec.image).inspect()),
    deps.machine(),
    requireVolumes(deps, spec.volumes),
  ])
  if (!image) throw new PaasError('image_missing', `The image of ${spec.app} v${spec.release} is missing in Docker.`)
  const fitting = { ...spec, limits: within(spec.limits, machine) }
  const user = spec.command === null ? await deps.imageUsers(image) : ownUser(image)
  const container = await deps.docker.createContainer(
    dynoOptions(deps.serverId, fitting, { network, opened: deps.network, runtime: deps.runtime, user, session }),
  )
  return withVolumes(container, user, spec)
}

async function withVolumes(container: Docker.Container, user: string, { volumes }: DynoSpec) {
  try {
    await ownVolumes(container, user, volumes)
    return container
  } catch (error) {
    await removeContainer(container)
    throw error
  }
}

/** A shell in an image of ours runs as the app's own user, in a Dockerfile's as the tenant. */
function ownUser({ Config }: Docker.ImageInspectInfo): string {
  return isAppUser(Config.User) ? Config.User : tenantUser
}

/**
 * The engine answers 400 when the image's command cannot be executed: the app's fault, not the
 * server's.
 */
export async function startContainer(container: Docker.Container, spec: DynoSpec): Promise<void> {
  try {
    await container.start()
  } catch (cause) {
    if (!(cause instanceof EngineRefusal) || cause.statusCode !== 400) throw cause
    const { reason } = cause
    throw new PaasError('boot_failed', `${spec.name} of ${spec.app} v${spec.release} could not start: ${reason}`, {
      cause,
    })
  }
}

/**
 * The engine marks the container as stopped on purpose, so that its restart policy does not apply
 * any more.
 */
export async function stopDyno(
  deps: DockerDeps & { readers: OutputReaders },
  id: string,
  graceMs: number,
): Promise<void> {
  const container = await ownContainer(deps, id)
  if (!container) return
  await unlessMissing(stopContainer(container, graceMs))
  await deps.readers.ended(container.id, longestReading)
  await removeContainer(container)
}

/** The engine answers 304 when it has stopped already. */
async function stopContainer(container: Docker.Container, graceMs: number): Promise<void> {
  try {
    await container.stop({ t: Math.ceil(graceMs / 1000) })
  } catch (error) {
    if (statusOf(error) !== 304) throw error
  }
}

/** Inspects the dynos of one app; for all apps, inspects only those that changed. */
export async function listDynos(
  { docker, serverId, views }: DockerDeps & { views: DynoViews },
  { appId }: { appId?: AppId } = {},
): Promise<Dyno[]> {
  const labels = [`${label.server}=${serverId}`, ...(appId ? [`${label.app}=${appId}`] : [])]
  const found = await docker.listContainers({ all: true, filters: { label: labels } })
  const listed = found.filter(({ Names, Labels }) => Names.every(isOurName) && isDynoKind(Labels))
  const turns = new Semaphore(inspectedAtOnce)
  const inspect = async (id: string): Promise<Dyno | undefined> => {
    const info = await turns.runExclusive(() => unlessMissing(docker.getContainer(id).inspect()))
    return info && viewDyno(info)
  }
  const dynos = await Promise.all(
    listed.map((one) => (appId ? inspect(one.Id) : views.see(one, () => inspect(one.Id)))),
  )
  return dynos.filter((dyno) => dyno !== undefined)
}

export async function findDyno(deps: DockerDeps, id: string): Promise<Dyno | undefined> {
  const info = await unlessMissing(deps.docker.getContainer(id).inspect())
  return info && isOurs(deps, info) && isDynoKind(info.Config.Labels) ? viewDyno(info) : undefined
}

/** The container, unless it is gone. What is not this server's is never touched. */
export async function ownContainer(deps: DockerDeps, id: string): Promise<Docker.Container | undefined> {
  const container = deps.docker.getContainer(id)
  const info = await unlessMissing(container.inspect())
  return info && isOurs(deps, info) ? container : undefined
}

/**
 * A step of a stranger's Dockerfile runs in a container that carries whatever labels the Dockerfile
 * sets, under a name the engine chose. So a label alone proves nothing; the name does.
 */
function isOurs({ serverId }: DockerDeps, info: Docker.ContainerInspectInfo): boolean {
  return info.Config.Labels[label.server] === serverId && isOurName(info.Name)
}

/** The engine puts a slash before each name. */
export function isOurName(name: string): boolean {
  return name.startsWith(`/${namePrefix}`)
}

/** Decides by the labels of a container. */
export function isDynoKind(labels: Record<string, string>): boolean {
  return dynoKinds.includes(labels[label.kind] ?? '')
}
